/**
 * The part of the WebAssembly JavaScript API that the backend uses.
 * TypeScript ships its types only together with the whole DOM, which Node does not have.
 */
declare const WebAssembly: {
  readonly Memory: new (limits: WasmLimits) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmMemory>>>>,
  ) => { readonly exports: WasmExports };
  readonly validate: (bytes: Uint8Array) => boolean;
};

/** Sizes in pages of 64 KiB. */
export interface WasmLimits {
  readonly initial: number;
  readonly maximum: number;
  readonly shared: boolean;
}

/** Linear memory. `grow` adds pages, returns the number before, and throws RangeError where there is no room. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  grow(pages: number): number;
}

/** A compiled module. */
type WasmModule = object;

/** Our modules export functions of numbers only. */
export type WasmExports = Readonly<Record<string, (...args: number[]) => number | undefined>>;

/** Bytes in one page of linear memory. */
export const PAGE_BYTES = 65536;

/** Pages of the whole 32-bit address space, 4 GiB. */
export const MAX_PAGES = 65536;

/** Throws RangeError if the address space cannot be had. */
export const newMemory = (limits: WasmLimits): WasmMemory => new WebAssembly.Memory(limits);

/** Whether the engine knows every instruction of the module. */
export const validate = (bytes: Uint8Array): boolean => WebAssembly.validate(bytes);

/** Compiles the module and binds it to the memory. Throws where the bytes are not valid. */
export const instantiate = (bytes: Uint8Array, memory: WasmMemory): WasmExports =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
