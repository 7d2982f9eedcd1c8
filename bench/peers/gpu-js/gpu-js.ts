/** gpu.js: kernels written as functions of JavaScript, which it compiles for a GPU, WebAssembly, or not at all. */
import { GPU } from "gpu.js";
import * as inputs from "../../problems/inputs.ts";
import { convolutionShape, paddingOf } from "../../problems/problem.ts";
import type { Conv2d, Matmul, Problem } from "../../problems/problem.ts";
import { becomeBrowser } from "../browser.ts";
import { convolve, product } from "./gpu-js.kernels.ts";
import type { Kernel } from "./gpu-js.kernels.ts";
import { Unable } from "../library.ts";
import type { Job, Library, Start } from "../library.ts";

/** The class that runs a kernel in each mode, and so tells whether the mode is the one asked for. */
const classes = { cpu: "CPUKernel", webasm: "WebAssemblyKernel", webgpu: "WebGPUKernel" } as const;

type Mode = keyof typeof classes;

const isMode = (mode: string): mode is Mode => Object.hasOwn(classes, mode);

export function open({ mode, threads }: Start): Library {
  if (!isMode(mode)) throw new Unable(`gpu.js has no mode ${mode} in Node`);
  if (mode === "webgpu") becomeBrowser(threads, { gpu: true });
  return {
    describe: () => `gpu.js, ${mode}${mode === "webasm" ? `, ${threads} threads` : ""}`,
    job: (problem) => jobOf(mode, threads, problem),
  };
}

function jobOf(mode: Mode, threads: number, problem: Problem): Job {
  switch (problem.kind) {
    case "matmul":
      return kernelJob(mode, threads, matmul(problem));
    case "conv2d":
      return kernelJob(mode, threads, convolution(problem));
    case "batchNorm":
    case "crossEntropy":
    case "supCon":
    case "optimizer":
    case "training":
      throw new Unable("no gradients");
    case "memory":
      throw new Unable("reads every result back: tells nothing of memory");
    case "augmentation":
    case "data":
    case "ceiling":
      throw new Unable("no such thing");
  }
}

/** A kernel of two inputs, and the extents of its result, the innermost first. */
interface Task<C extends Readonly<Record<string, number>>> {
  readonly kernel: Kernel<C>;
  readonly output: readonly number[];
  readonly constants: C;
  readonly inputs: readonly [Float32Array, Float32Array];
}

/** Values of nested arrays, in order. */
function flat(values: unknown): Float32Array {
  if (values instanceof Float32Array) return values;
  if (!Array.isArray(values)) throw new TypeError("expected arrays");
  const parts = values.map(flat);
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Throws {@link Unable} where another mode runs than the one asked for: gpu.js falls back without a word. */
function kernelJob<C extends Readonly<Record<string, number>>>(
  mode: Mode,
  threads: number,
  task: Task<C>,
): Job {
  const { kernel, constants, inputs: data } = task;
  const gpu = new GPU({ mode });
  const settings = { constants, precision: "single", asyncMode: true, poolSize: threads } as const;
  const compiled = gpu.createKernel<[number[], number[]], C>(kernel, {
    ...settings,
    output: [...task.output],
  });
  const call = (): Promise<unknown> => Promise.resolve(compiled(data[0], data[1]));
  return {
    run: async () => {
      await call();
    },
    outputs: async () => {
      const values = flat(await call());
      const ran = classOf(compiled);
      if (ran !== classes[mode]) throw new Unable(`asked for ${mode}, it runs a ${ran}`);
      return [values];
    },
    describe: () => `gpu.js, ${classOf(compiled)}`,
    dispose: () => void gpu.destroy(),
  };
}

const classOf = (compiled: object): string =>
  "kernel" in compiled && typeof compiled.kernel === "object" && compiled.kernel !== null
    ? compiled.kernel.constructor.name
    : "unknown";

function matmul(problem: Matmul) {
  const { m, n, k, batch = 1 } = problem;
  const [a, b] = inputs.productInputs(problem);
  return {
    kernel: product,
    output: [n, m, batch],
    constants: { m, n, k },
    inputs: [a.data, b.data],
  } as const;
}

function convolution(problem: Conv2d) {
  if (problem.pass !== "forward") throw new Unable("no gradients");
  const { x, w, stride, groups, dilation } = problem;
  if (groups > 1) throw new Unable("left out: our kernel for it has no groups");
  const [batch, outHeight, outWidth, outChannels] = convolutionShape(problem);
  const data = inputs.convolutionInputs(problem);
  return {
    kernel: convolve,
    output: [outChannels, outWidth, batch * outHeight],
    constants: {
      ...{ height: x[1], width: x[2], inChannels: x[3], outHeight, outChannels },
      ...{ kernel: w[0], stride, padding: paddingOf(problem), dilation },
    },
    inputs: [data.x, data.w],
  } as const;
}
