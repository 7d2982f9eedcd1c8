import { BackendError } from "../../errors.ts";

const paramTypes = ["i32", "u32", "f32"] as const;

/** Types of shader parameters. */
export type ParamType = (typeof paramTypes)[number];

/** A compute shader: WGSL with an entry point `main`, and what its text says of parameters and buffers. */
export interface Shader {
  /** Names it in errors and profiles. */
  readonly name: string;
  readonly code: string;
  /** The fields of `struct Params`, in order. */
  readonly params: readonly { readonly name: string; readonly type: ParamType }[];
  /** How each buffer of group 0 is bound, in the order of bindings. */
  readonly access: readonly ("read" | "read_write")[];
}

/** Storage buffers that every device can bind at once. */
const MAX_BUFFERS = 8;

/**
 * A shader from its text, which is whole but for one line: the declaration of `params`, of the text's own
 * `struct Params`. How parameters reach a shader depends on the device, and is for {@link Pipelines} to say.
 *
 * Throws BackendError for more buffers than every device can bind, or bindings that are not 0, 1, 2, ...
 */
export function shader(name: string, code: string): Shader {
  const fields = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? "";
  const params = [...fields.matchAll(/(\w+): (i32|u32|f32)/g)].map(([, field = "", type]) => ({
    name: field,
    type: paramTypes.find((each) => each === type) ?? "i32",
  }));
  const buffers = [...code.matchAll(/@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)>/g)];
  const access = buffers.map(([, , mode]) => (mode === "read_write" ? mode : ("read" as const)));
  if (access.length > MAX_BUFFERS) {
    throw new BackendError(
      `${name}: expected at most ${MAX_BUFFERS} buffers in a shader (what every WebGPU device has), got ${access.length}`,
    );
  }
  if (!buffers.every(([, binding], i) => Number(binding) === i)) {
    throw new BackendError(`${name}: expected the shader's bindings to be 0, 1, 2, ... in order`);
  }
  return { name, code, params, access };
}

/** Bytes of a shader's parameters: each is a 32-bit word. */
export const paramBytes = ({ params }: Shader): number => 4 * params.length;

/** Writes a shader's parameters, in the order of its struct, as 32-bit words. */
export function packParams(
  { name: who, params }: Shader,
  values: Readonly<Record<string, number>>,
  words: Int32Array,
  floats: Float32Array,
  at: number,
): void {
  params.forEach(({ name, type }, i) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`${who}: no value for parameter ${name}`);
    if (type === "f32") floats[at + i] = value;
    else words[at + i] = value;
  });
}
