/** What the machine does at most, by our own means: the yardsticks of the CPU backend, and their like as shaders. */
import { CpuBackend } from "../../../engine/backends/cpu/backend.ts";
import { memoryCopy, microKernel, registers } from "../../../engine/backends/cpu/ceilings.ts";
import { shader } from "../../../engine/backends/webgpu/shader.ts";
import type { Kernel } from "../../../engine/kernel.ts";
import type { Backend } from "../../../index.ts";
import type { Ceiling } from "../../problems/problem.ts";
import { Unable } from "../library.ts";
import type { Job } from "../library.ts";

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

/** y from x, an element for each invocation: the text of what one does with its element i. */
function yardstick(name: string, element: string, invocations: number, body: string): Kernel {
  const program = shader(
    name,
    /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> x: array<${element}>;
@group(0) @binding(1) var<storage, read_write> y: array<${element}>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = i32(id.x + id.y * groups.x * 64u);
  if (i >= params.size) { return; }
  ${body}
}`,
  );
  return {
    ...{ name, inputs: { x: "f32" }, outputs: { y: "f32" }, params: [], js: {} },
    wgsl: (gpu, params, inputs, outputs) => {
      gpu.forEach(program, [...inputs, ...outputs], params, invocations);
    },
  };
}

const copyKernel = yardstick("ceiling: memory copy", "vec4f", COPIED / 4, "y[i] = x[i];");

const sums = Array.from({ length: CHAINS }, (_, i) => `sum${i}`);

const registersKernel = yardstick(
  "ceiling: registers",
  "f32",
  INVOCATIONS,
  `let factor = vec4f(x[i]);
  ${sums.map((sum) => `var ${sum} = factor;`).join("\n  ")}
  for (var step = 0; step < ${STEPS}; step++) {
    ${sums.map((sum) => `${sum} = fma(${sum}, factor, factor);`).join("\n    ")}
  }
  let total = ${sums.join(" + ")};
  y[i] = total.x + total.y + total.z + total.w;`,
);
