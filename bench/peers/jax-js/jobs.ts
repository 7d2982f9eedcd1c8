/** What jax-js does of each problem. */
import { blockUntilReady, grad, jit, nn, numpy, tree } from "@jax-js/jax";
import type { Array, Tree } from "@jax-js/jax";
import * as inputs from "../../problems/inputs.ts";
import { fromNchw, fromOihw } from "../../problems/layout.ts";
import { convolutionShape, paddingOf } from "../../problems/problem.ts";
import type { BatchNorm, Conv2d, CrossEntropy, Matmul, Memory, Problem, SupCon } from "../../problems/problem.ts"; // prettier-ignore
import { Unable } from "../library.ts";
import type { Job } from "../library.ts";
import { array, convolve, given, images, meanCrossEntropy, normalize, oneHot, weights } from "./arrays.ts";
import { training } from "./training.ts";

export function jobOf(problem: Problem): Job {
  switch (problem.kind) {
    case "matmul":
      return opJob(matmul(problem));
    case "conv2d":
      return opJob(convolution(problem));
    case "batchNorm":
      return opJob(batchNorm(problem));
    case "memory":
      return opJob(memory(problem));
    case "crossEntropy":
      return opJob(crossEntropy(problem));
    case "supCon":
      return opJob(supCon(problem));
    case "training":
      return training(problem);
    case "optimizer":
      throw new Unable("no optimisers in the package");
    case "augmentation":
    case "data":
    case "ceiling":
      throw new Unable("no such thing");
  }
}

/** Arrays that stay, what is compiled of them, and how its results become ours. */
interface Op {
  readonly inputs: readonly Array[];
  readonly compute: (...inputs: Array[]) => Array | readonly Array[];
  readonly read?: readonly ((values: Float32Array) => Float32Array)[];
}

function opJob({ inputs: arrays, compute, read = [] }: Op): Job {
  const compiled = jit<readonly Array[], Tree>((...values) => compute(...values));
  const call = () => compiled(...arrays.map((each) => each.ref));
  return {
    run: async () => {
      tree.dispose(await blockUntilReady(call()));
    },
    outputs: async () => {
      const leaves = tree.leaves(call());
      const data = await Promise.all(leaves.map(async (leaf) => Float32Array.from(await leaf.data())));
      return data.map((values, i) => read[i]?.(values) ?? values);
    },
    dispose: () => {
      for (const each of arrays) each.dispose();
    },
  };
}

function matmul(problem: Matmul): Op {
  const [a, b] = inputs.productInputs(problem);
  return {
    inputs: [array(a.data, a.shape), array(b.data, b.shape)],
    compute: (x, y) => numpy.matmul(given(x), given(y)),
  };
}

function convolution(problem: Conv2d): Op {
  const { x: xShape, w: wShape, stride, groups, dilation, pass } = problem;
  const data = inputs.convolutionInputs(problem);
  const [yShape, padding] = [convolutionShape(problem), paddingOf(problem)];
  const [x, w, dy] = [images(data.x, xShape), weights(data.w, wShape), images(data.dy, yShape)];
  const forward = (a: Array | undefined, b: Array | undefined) => convolve(given(a), given(b), { padding, stride, groups, dilation }); // prettier-ignore
  if (pass === "forward") {
    dy.dispose();
    return { inputs: [x, w], compute: forward, read: [(values) => fromNchw(values, yShape)] };
  }
  if (pass !== "both") throw new Unable("no op of its own: only with the forward pass");
  // The gradient of <conv(x, w), dy>.
  const inner = (a?: Array, b?: Array, c?: Array) => numpy.sum(forward(a, b).mul(given(c)));
  return {
    inputs: [x, w, dy],
    compute: grad(inner, { argnums: [0, 1] }),
    read: [(values) => fromNchw(values, xShape), (values) => fromOihw(values, wShape)],
  };
}

function batchNorm({ x: shape, pass }: BatchNorm): Op {
  const channels = shape[3];
  const x = images(inputs.uniform(shape, 0), shape);
  const gamma = array(inputs.uniform([channels], 1), [channels]);
  const beta = array(inputs.uniform([channels], 2), [channels]);
  const read = [(values: Float32Array) => fromNchw(values, shape)];
  const forward = (a?: Array, b?: Array, c?: Array) => normalize(given(a), given(b), given(c));
  if (pass === "forward") return { inputs: [x, gamma, beta], compute: forward, read };
  const dy = images(inputs.uniform(shape, 3), shape);
  const inner = (a?: Array, b?: Array, c?: Array, d?: Array) => numpy.sum(forward(a, b, c).mul(given(d))); // prettier-ignore
  return { inputs: [x, gamma, beta, dy], compute: grad(inner, { argnums: [0, 1, 2] }), read };
}

function memory({ op, rows, columns }: Memory): Op {
  const shape = [rows, columns];
  const x = array(inputs.uniform(shape, 0), shape);
  switch (op) {
    case "add":
      return {
        inputs: [x, array(inputs.uniform(shape, 1), shape)],
        compute: (a, b) => given(a).add(given(b)),
      };
    case "gelu":
      return { inputs: [x], compute: (a) => nn.gelu(given(a), { approximate: false }) };
    case "sum":
      return { inputs: [x], compute: (a) => numpy.sum(given(a)) };
    case "sumRows":
      return { inputs: [x], compute: (a) => numpy.sum(given(a), 1) };
    case "sumColumns":
      return { inputs: [x], compute: (a) => numpy.sum(given(a), 0) };
    case "softmax":
      return { inputs: [x], compute: (a) => nn.softmax(given(a), 1) };
  }
}

function crossEntropy({ rows, classes }: CrossEntropy): Op {
  const logits = array(inputs.uniform([rows, classes]), [rows, classes]);
  const targets = oneHot(inputs.labels(rows, classes), classes);
  const loss = (x?: Array, y?: Array) => meanCrossEntropy(given(x), given(y));
  return { inputs: [logits, targets], compute: grad(loss, { argnums: [0] }) };
}

function supCon({ m, d }: SupCon): Op {
  const z = array(inputs.unitRows(m, d), [m, d]);
  const masks = inputs.pairMasks(m, inputs.labels(m, 10));
  const loss = (x?: Array, itself?: Array, positives?: Array) => {
    const rows = given(x);
    const logits = numpy.matmul(rows.ref, rows.transpose()).div(0.1);
    const others = nn.logsumexp(logits.ref.sub(given(itself)), 1);
    return numpy.mean(others.sub(numpy.sum(logits.mul(given(positives)), 1)));
  };
  return {
    inputs: [z, array(masks.itself, [m, m]), array(masks.positives, [m, m])],
    compute: grad(loss, { argnums: [0] }),
  };
}
