/** What the machine does at most, by our own means: the yardsticks of the CPU backend, and their like as shaders. */
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { memoryCopy, microKernel, registers } from "../../engine/backends/cpu/ceilings.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { Kernel } from "../../engine/kernel.ts";
import type { Backend } from "../../index.ts";
import type { Ceiling } from "../problems/problem.ts";
import { Unable } from "./library.ts";
import type { Job } from "./library.ts";

/** Throws {@link Unable} for what a backend cannot measure. */
export function ceilingJob(backend: Backend, { of }: Ceiling): Job {
  if (backend instanceof CpuBackend) {
    const { machine } = backend;
    const { run, amount, addresses } = { registers, microKernel, copy: memoryCopy }[of](machine);
    return {
      run,
      amount,
      outputs: () => Promise.resolve([]),
      dispose: () => {
        for (const address of addresses) machine.heap.free(address);
      },
    };
  }
  if (of === "microKernel") throw new Unable("a GPU's matrix product has no such inner loop by itself");
  const kernel = of === "copy" ? copyKernel : registersKernel;
  const length = of === "copy" ? COPIED : INVOCATIONS;
  const [x, y] = [backend.alloc(length, "f32"), backend.alloc(length, "f32")];
  backend.write(x, new Float32Array(length).fill(0.5));
  return {
    run: () => {
      backend.run(kernel, {}, [x], [y]);
      return backend.sync();
    },
    amount: of === "copy" ? 8 * COPIED : 2 * 4 * CHAINS * STEPS * INVOCATIONS,
    outputs: () => Promise.resolve([]),
    dispose: () => {
      backend.free(x);
      backend.free(y);
    },
  };
}

/** 32 MiB of floats, and how the registers' multiply-adds are spread. */
const [COPIED, INVOCATIONS, STEPS, CHAINS] = [1 << 23, 1 << 16, 512, 8];

const copyShader = shader(
  "ceiling: memory copy",
  /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = i32(id.x + id.y * groups.x * 64u);
  if (i >= params.size) { return; }
  y[i] = x[i];
}`,
);

const names = Array.from({ length: CHAINS }, (_, i) => `sum${i}`);

const registersShader = shader(
  "ceiling: registers",
  /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = i32(id.x + id.y * groups.x * 64u);
  if (i >= params.size) { return; }
  let factor = vec4f(x[i]);
  ${names.map((name) => `var ${name} = factor;`).join("\n  ")}
  for (var step = 0; step < ${STEPS}; step++) {
    ${names.map((name) => `${name} = fma(${name}, factor, factor);`).join("\n    ")}
  }
  let total = ${names.join(" + ")};
  y[i] = total.x + total.y + total.z + total.w;
}`,
);

const yardstick = (name: string, wgsl: NonNullable<Kernel["wgsl"]>): Kernel => ({
  name,
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params: [],
  js: {},
  wgsl,
});

const copyKernel = yardstick(copyShader.name, (gpu, params, inputs, outputs) => {
  gpu.forEach(copyShader, [...inputs, ...outputs], params, COPIED / 4);
});
const registersKernel = yardstick(registersShader.name, (gpu, params, inputs, outputs) => {
  gpu.forEach(registersShader, [...inputs, ...outputs], params, INVOCATIONS);
});
