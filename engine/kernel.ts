/**
 * A kernel is one object that says the same computation once per backend: `js` is its readable definition, which the
 * reference backend runs (in the subset that gpu.js compiles), `cpu` its tuned WebAssembly SIMD body, `wgsl` its shaders.
 */
import type { Machine } from "./backends/cpu/machine.ts";
import type { Block, Gpu } from "./backends/webgpu/gpu.ts";

/** Element types: f32 for mathematics (f64 on the reference backend), i32 for labels and indices. */
export type DType = "f32" | "i32";

/** A buffer as a `js` body sees it: a flat array. */
export type Numbers = ArrayLike<number>;

/** Values of a kernel's parameters by name: sizes, strides, scalars. */
export type Params<P extends string> = Readonly<Record<P, number>>;

/** What a `js` body sees as `this`, as in gpu.js: the flat index of the output element, and the parameters. */
export interface Thread<P extends string> {
  readonly thread: { readonly x: number };
  readonly constants: Params<P>;
}

/**
 * One flat function that computes one output element, in the subset that gpu.js compiles: `this.thread.x`,
 * `this.constants`, numeric locals, loops and `Math`; no inner functions, closures or objects.
 */
export type JsBody<P extends string> = (this: Thread<P>, ...inputs: Numbers[]) => number;

/** Byte address in the CPU backend's WebAssembly memory. */
export type Pointer = number;

/** The CPU backend's body: runs the whole kernel on the machine's threads, inputs and outputs in memory. */
export type CpuBody<P extends string> = (
  machine: Machine,
  params: Params<P>,
  inputs: readonly Pointer[],
  outputs: readonly Pointer[],
) => void;

/** The WebGPU backend's body: calls the shaders that run the whole kernel. An output that overwrites an input is it. */
export type WgslBody<P extends string> = (
  gpu: Gpu,
  params: Params<P>,
  inputs: readonly Block[],
  outputs: readonly Block[],
) => void;

/** One computation: names and element types of its buffers, its parameters, and a body for each backend. */
export interface Kernel<P extends string = string> {
  readonly name: string;
  /** Input buffers in the order in which bodies take them. */
  readonly inputs: Readonly<Record<string, DType>>;
  /** Output buffers in order. */
  readonly outputs: Readonly<Record<string, DType>>;
  /** Names of the numeric parameters. */
  readonly params: readonly P[];
  /** Outputs that overwrite an input, by name: `{ output: "input" }`. Both are then one buffer. */
  readonly inPlace?: Readonly<Record<string, string>>;
  /**
   * Floating-point operations of a run, an addition and a multiplication each counting one; for kernels whose time they
   * bound. Without it, the bytes of its buffers do.
   */
  readonly operations?: (params: Params<P>) => number;
  /** The definition: one body for each output. */
  readonly js: Readonly<Record<string, JsBody<P>>>;
  /** Without it, the CPU backend runs `js`. */
  readonly cpu?: CpuBody<P>;
  /** Without it, the WebGPU backend refuses the kernel. */
  readonly wgsl?: WgslBody<P>;
}
