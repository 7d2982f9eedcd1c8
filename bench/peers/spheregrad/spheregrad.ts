/** This library, through its public API. */
import { BackendError } from "../../../engine/errors.ts";
import { formatProfile } from "../../../engine/profile-table.ts";
import { chromeTrace, timesByKernel } from "../../../engine/profile.ts";
import {
  add,
  batchNorm,
  conv2d,
  conv2dGradInput,
  conv2dGradWeight,
  crossEntropy,
  gelu,
  grad,
  init,
  matmul,
  scope,
  softmax,
  sum,
  tensor,
} from "../../../index.ts";
import type { Backend, Shape, Tensor } from "../../../index.ts";
import { supConLoss } from "../../../supcon/index.ts";
import * as inputs from "../../problems/inputs.ts";
import { convolutionShape, paddingOf } from "../../problems/problem.ts";
import type {
  BatchNorm,
  Conv2d,
  CrossEntropy,
  Matmul,
  Memory,
  Problem,
  SupCon,
} from "../../problems/problem.ts";
import type { Ceilings } from "../../report/report.ts";
import { ceilingJob } from "./ceilings.ts";
import { augmentationJob, dataJob } from "./data.ts";
import { optimizerJob, trainingJob } from "./training.ts";
import { Unable } from "../library.ts";
import type { Job, Library, Profile, Start } from "../library.ts";

/** Starts a backend: its name is the mode. Throws {@link Unable} where it does not work here. */
export async function open({ mode, threads }: Start): Promise<Library> {
  if (mode !== "cpu" && mode !== "webgpu") throw new Unable(`expected cpu or webgpu, got ${mode}`);
  const backend = await init({ backend: mode, ...(mode === "cpu" && { threads }) }).catch(
    (error: unknown) => {
      throw error instanceof BackendError ? new Unable(error.message, { cause: error }) : error;
    },
  );
  return {
    describe: () => backend.describe(),
    job: (problem) => jobOf(backend, problem),
    profile: (problem, runs, ceilings) => profile(backend, problem, runs, ceilings),
  };
}

async function profile(
  backend: Backend,
  problem: Problem,
  runs: number,
  { microKernel, registers = NaN, copy = NaN }: Ceilings,
): Promise<Profile> {
  const job = await jobOf(backend, problem);
  await job.outputs(); // compiles
  backend.startProfile?.();
  const start = performance.now();
  for (let i = 0; i < runs; i++) await job.run();
  const calls = (await backend.endProfile?.()) ?? [];
  const milliseconds = performance.now() - start;
  job.dispose();
  const ceilings = { operations: microKernel ?? registers, bytes: copy };
  const table = formatProfile(timesByKernel(calls), milliseconds, ceilings);
  return { table, trace: chromeTrace(calls) };
}

function jobOf(backend: Backend, problem: Problem): Job | Promise<Job> {
  switch (problem.kind) {
    case "ceiling":
      return ceilingJob(backend, problem);
    case "matmul":
      return opJob(backend, matmulOp(problem));
    case "conv2d":
      return opJob(backend, convolutionOp(problem));
    case "batchNorm":
      return opJob(backend, batchNormOp(problem));
    case "memory":
      return opJob(backend, memoryOp(problem));
    case "crossEntropy":
      return opJob(backend, crossEntropyOp(problem));
    case "supCon":
      return opJob(backend, supConOp(problem));
    case "optimizer":
      return optimizerJob(backend, problem);
    case "training":
      return trainingJob(backend, problem);
    case "augmentation":
      return augmentationJob(problem);
    case "data":
      return dataJob();
  }
}

/** Tensors that stay, and what is computed of them each time. */
interface Op {
  readonly inputs: readonly Tensor[];
  readonly compute: () => readonly Tensor[];
}

function opJob(backend: Backend, op: Op): Job {
  const before = backend.stats().liveBytes;
  return {
    run: () => {
      scope(() => { op.compute(); }); // prettier-ignore
      return backend.sync();
    },
    outputs: async () => {
      const results = scope(() => op.compute());
      const data = await Promise.all(results.map(async (result) => Float32Array.from(await result.data())));
      for (const result of results) result.dispose();
      return data;
    },
    extraBytes: () => backend.stats().peakBytes - before,
    dispose: () => {
      for (const input of op.inputs) input.dispose();
    },
  };
}

const variable = (data: Float32Array, shape: Shape): Tensor => tensor(data, shape, { requiresGrad: true });

function matmulOp(problem: Matmul): Op {
  const [a, b] = inputs.productInputs(problem);
  const [left, right] = [tensor(a.data, a.shape), tensor(b.data, b.shape)];
  return { inputs: [left, right], compute: () => [matmul(left, right)] };
}

function convolutionOp(problem: Conv2d): Op {
  const { x: inputShape, w: weightShape, stride, groups, dilation, pass } = problem;
  const data = inputs.convolutionInputs(problem);
  const isVariable = pass === "both";
  const x = tensor(data.x, inputShape, { requiresGrad: isVariable });
  const w = tensor(data.w, weightShape, { requiresGrad: isVariable });
  const dy = tensor(data.dy, convolutionShape(problem));
  const options = { stride, groups, dilation, padding: paddingOf(problem) };
  const compute = {
    forward: () => [conv2d(x, w, options)],
    gradInput: () => [conv2dGradInput(dy, w, { ...options, inputShape })],
    gradWeight: () => [conv2dGradWeight(x, dy, { ...options, weightShape })],
    both: () => {
      const y = conv2d(x, w, options);
      return grad(y, [x, w], { gradient: dy });
    },
  }[pass];
  return { inputs: [x, w, dy], compute };
}

function batchNormOp({ x: shape, pass }: BatchNorm): Op {
  const channels = shape[3];
  const x = variable(inputs.uniform(shape, 0), shape);
  const gamma = variable(inputs.uniform([channels], 1), [channels]);
  const beta = variable(inputs.uniform([channels], 2), [channels]);
  const dy = tensor(inputs.uniform(shape, 3), shape);
  return {
    inputs: [x, gamma, beta, dy],
    compute: () => {
      const { output } = batchNorm(x, gamma, beta);
      return pass === "forward" ? [output] : grad(output, [x, gamma, beta], { gradient: dy });
    },
  };
}

function memoryOp({ op, rows, columns }: Memory): Op {
  const shape = [rows, columns];
  const [a, b] = [tensor(inputs.uniform(shape, 0), shape), tensor(inputs.uniform(shape, 1), shape)];
  const compute = {
    add: () => add(a, b),
    gelu: () => gelu(a),
    sum: () => sum(a),
    sumRows: () => sum(a, 1),
    sumColumns: () => sum(a, 0),
    softmax: () => softmax(a, 1),
  }[op];
  return { inputs: [a, b], compute: () => [compute()] };
}

function crossEntropyOp({ rows, classes }: CrossEntropy): Op {
  const x = variable(inputs.uniform([rows, classes]), [rows, classes]);
  const labels = tensor(inputs.labels(rows, classes));
  return {
    inputs: [x, labels],
    compute: () => grad(crossEntropy(x, labels), [x]),
  };
}

function supConOp({ m, d }: SupCon): Op {
  const z = variable(inputs.unitRows(m, d), [m, d]);
  const labels = inputs.labels(m, 10);
  return {
    inputs: [z],
    compute: () => grad(supConLoss(z, labels, { temperature: 0.1, normalize: false }), [z]),
  };
}
