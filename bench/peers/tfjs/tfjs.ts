/** TensorFlow.js in plain JavaScript, WebAssembly, or WebGPU under the same Dawn as ours. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "@tensorflow/tfjs";
import * as inputs from "../../problems/inputs.ts";
import { convolutionShape, paddingOf } from "../../problems/problem.ts";
import type { BatchNorm, Conv2d, CrossEntropy, Matmul, Memory, Problem, SupCon } from "../../problems/problem.ts"; // prettier-ignore
import { becomeBrowser } from "../browser.ts";
import { Unable } from "../library.ts";
import type { Job, Library, Start } from "../library.ts";
import { checkGradient, done, meanCrossEntropy, normalize } from "./tensors.ts";
import { training } from "./training.ts";

export async function open({ mode, threads }: Start): Promise<Library> {
  if (mode === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(join(dirname(main), "/"));
  }
  if (mode === "webgpu") {
    becomeBrowser(threads, { gpu: true });
    await import("@tensorflow/tfjs-backend-webgpu");
  }
  if (!(await tf.setBackend(mode))) throw new Unable(`tfjs has no backend ${mode} here`);
  await tf.ready();
  return {
    describe: () => `tfjs ${tf.version_core}, ${mode}${mode === "wasm" ? ": SIMD, 1 thread in Node" : ""}`,
    job: (problem) => jobOf(mode, problem),
  };
}

/** Tensors that stay, and what is computed of them each time. */
interface Op {
  readonly inputs: readonly Tensor[];
  readonly compute: () => readonly Tensor[];
}

function jobOf(mode: string, problem: Problem): Job {
  switch (problem.kind) {
    case "matmul":
      return opJob(mode, matmul(problem));
    case "conv2d":
      return opJob(mode, convolution(mode, problem));
    case "batchNorm":
      return opJob(mode, batchNorm(problem));
    case "memory":
      return opJob(mode, memory(problem));
    case "crossEntropy":
      return opJob(mode, crossEntropy(problem));
    case "supCon":
      return opJob(mode, supCon(problem));
    case "training":
      return training(mode, problem);
    case "optimizer":
      throw new Unable("its optimisers update inside of a step only");
    case "augmentation":
    case "data":
    case "ceiling":
      throw new Unable("no such thing");
  }
}

function opJob(mode: string, { inputs: tensors, compute }: Op): Job {
  return {
    run: async () => {
      const results = tf.tidy(compute);
      await done(mode, results.at(-1));
      tf.dispose(results);
    },
    outputs: async () => {
      const results = tf.tidy(compute);
      const data = await Promise.all(results.map(async (result) => Float32Array.from(await result.data())));
      tf.dispose(results);
      return data;
    },
    dispose: () => { tf.dispose(tensors); }, // prettier-ignore
  };
}

function matmul(problem: Matmul): Op {
  const [a, b] = inputs.productInputs(problem);
  const [left, right] = [tf.tensor(a.data, a.shape), tf.tensor(b.data, b.shape)];
  return { inputs: [left, right], compute: () => [tf.matMul(left, right)] };
}

function convolution(mode: string, problem: Conv2d): Op {
  const { x: inputShape, w: weightShape, stride, groups, dilation, pass } = problem;
  if (groups > 1 && groups !== inputShape[3]) throw new Unable("no groups but depthwise");
  if (dilation > 1 && pass !== "forward") throw new Unable("no gradients with dilation");
  const isDepthwise = groups > 1;
  const data = inputs.convolutionInputs(problem);
  const x = tf.tensor(data.x, inputShape);
  const w = tf.tensor(data.w, isDepthwise ? [weightShape[0], weightShape[1], groups, 1] : weightShape);
  const dy = tf.tensor(data.dy, convolutionShape(problem));
  const padding = paddingOf(problem);
  const op = isDepthwise ? tf.depthwiseConv2d : tf.conv2d;
  const forward = (a: Tensor, b: Tensor): Tensor => op(a, b, stride, padding, "NHWC", dilation);
  const tensors = [x, w, dy];
  switch (pass) {
    case "forward":
      return { inputs: tensors, compute: () => [forward(x, w)] };
    case "gradInput":
      if (isDepthwise) checkGradient(mode, "DepthwiseConv2dNativeBackpropInput");
      if (isDepthwise) throw new Unable("no op of its own");
      return { inputs: tensors, compute: () => [tf.conv2dTranspose(dy, w, inputShape, stride, padding)] };
    case "gradWeight":
      checkGradient(mode, isDepthwise ? "DepthwiseConv2dNativeBackpropFilter" : "Conv2DBackpropFilter");
      throw new Unable("no op of its own: only with the forward pass");
    case "both": {
      checkGradient(mode, isDepthwise ? "DepthwiseConv2dNativeBackpropFilter" : "Conv2DBackpropFilter");
      const gradients = tf.grads(forward);
      return { inputs: tensors, compute: () => gradients([x, w], dy) };
    }
  }
}

function batchNorm({ x: shape, pass }: BatchNorm): Op {
  const channels = shape[3];
  const x = tf.tensor(inputs.uniform(shape, 0), shape);
  const gamma = tf.tensor(inputs.uniform([channels], 1), [channels]);
  const beta = tf.tensor(inputs.uniform([channels], 2), [channels]);
  const dy = tf.tensor(inputs.uniform(shape, 3), shape);
  const gradients = tf.grads(normalize);
  return {
    inputs: [x, gamma, beta, dy],
    compute: () => (pass === "forward" ? [normalize(x, gamma, beta)] : gradients([x, gamma, beta], dy)),
  };
}

function memory({ op, rows, columns }: Memory): Op {
  const shape = [rows, columns];
  const [a, b] = [tf.tensor(inputs.uniform(shape, 0), shape), tf.tensor(inputs.uniform(shape, 1), shape)];
  const compute = {
    add: () => tf.add(a, b),
    // x (1 + erf(x / sqrt 2)) / 2
    gelu: () => tf.mul(tf.mul(a, 0.5), tf.add(tf.erf(tf.mul(a, Math.SQRT1_2)), 1)),
    sum: () => tf.sum(a),
    sumRows: () => tf.sum(a, 1),
    sumColumns: () => tf.sum(a, 0),
    softmax: () => tf.softmax(a),
  }[op];
  return { inputs: [a, b], compute: () => [compute()] };
}

function crossEntropy({ rows, classes }: CrossEntropy): Op {
  const logits = tf.tensor(inputs.uniform([rows, classes]), [rows, classes]);
  const targets = tf.oneHot(tf.tensor1d(inputs.labels(rows, classes), "int32"), classes);
  const gradient = tf.grads((x: Tensor) => meanCrossEntropy(x, targets));
  return { inputs: [logits, targets], compute: () => gradient([logits]) };
}

function supCon({ m, d }: SupCon): Op {
  const z = tf.tensor(inputs.unitRows(m, d), [m, d]);
  const masks = inputs.pairMasks(m, inputs.labels(m, 10));
  const [itself, positives] = [tf.tensor(masks.itself, [m, m]), tf.tensor(masks.positives, [m, m])];
  const gradient = tf.grads((x: Tensor) => {
    const logits = tf.div(tf.matMul(x, x, false, true), 0.1);
    const others = tf.logSumExp(tf.sub(logits, itself), 1);
    return tf.mean(tf.sub(others, tf.sum(tf.mul(logits, positives), 1)));
  });
  return { inputs: [z, itself, positives], compute: () => gradient([z]) };
}
