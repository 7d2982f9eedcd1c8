/** Kernels made for tests of the backend, and a way to run any kernel on two backends. */
import assert from "node:assert/strict";
import type { Backend, Elements } from "../../engine/backend.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { DType, Kernel, Numbers, Params } from "../../engine/kernel.ts";

/** y = factor x + add, element by element. */
export const affine = {
  name: "affine",
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params: ["factor", "add"],
  js: {
    y: function (x: Numbers) {
      return this.constants.factor * x[this.thread.x]! + this.constants.add;
    },
  },
  wgsl: (gpu, params, [x], [y]) => {
    gpu.forEach(affineShader, [x!, y!], params, y!.length);
  },
} satisfies Kernel<"factor" | "add">;

const affineShader = shader(
  "affine",
  /* wgsl */ `
struct Params { size: i32, factor: f32, add: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = i32(id.x + id.y * groups.x * 64u);
  if (i >= params.size) { return; }
  y[i] = params.factor * x[i] + params.add;
}`,
);

/** Runs a kernel once: outputs of these lengths from these inputs. */
export async function runOn<P extends string>(
  backend: Backend,
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Numbers[],
  lengths: readonly number[],
): Promise<Elements[]> {
  const make = (dtypes: readonly DType[], sizes: readonly number[]) =>
    sizes.map((length, i) => backend.alloc(length, dtypes[i]!));
  const sources = make(Object.values(kernel.inputs), inputs.map((input) => input.length)); // prettier-ignore
  const targets = make(Object.values(kernel.outputs), lengths);
  sources.forEach((source, i) => { backend.write(source, inputs[i]!); }); // prettier-ignore
  backend.run(kernel, params, sources, targets);
  const results = await Promise.all(targets.map((target) => backend.read(target)));
  for (const buffer of [...sources, ...targets]) backend.free(buffer);
  return results;
}

/** Asserts that errors are small beside the largest element. */
export function assertClose(actual: Elements, expected: Elements, what: string, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length, what);
  let scale = 1;
  for (const value of expected) scale = Math.max(scale, Math.abs(value));
  expected.forEach((value, i) => {
    assert(
      Math.abs(actual[i]! - value) <= tolerance * scale,
      `${what}, element ${i}: ${actual[i]} for ${value}`,
    );
  });
}
