/** ONNX Runtime, native or WebAssembly: forward passes of single ops. Weights are part of the model, as it is used. */
import type { OnnxTensor, Runtime, Session } from "onnxruntime-common";
import * as inputs from "../../problems/inputs.ts";
import { channelsFirst, fromNchw, outputsFirst, toNchw, toOihw } from "../../problems/layout.ts";
import { convolutionShape, paddingOf } from "../../problems/problem.ts";
import type { Conv2d, Matmul, Memory, Problem } from "../../problems/problem.ts";
import { Unable } from "../library.ts";
import type { Job, Library } from "../library.ts";
import { onnxModel } from "./model.ts";
import type { Node } from "./model.ts";

/** A library on a runtime that is set up. */
export const onnxLibrary = (runtime: Runtime, description: string, threads: number): Library => ({
  describe: () => description,
  job: (problem) => nodeJob(runtime, nodeOf(problem), threads),
});

/** A node, and the data of those inputs that are no weights. */
interface Task {
  readonly node: Node;
  readonly feeds: Readonly<Record<string, Float32Array>>;
  readonly read?: (values: Float32Array) => Float32Array;
}

function nodeOf(problem: Problem): Task {
  switch (problem.kind) {
    case "matmul":
      return matmul(problem);
    case "conv2d":
      return convolution(problem);
    case "memory":
      return memory(problem);
    case "batchNorm":
    case "crossEntropy":
    case "supCon":
    case "optimizer":
    case "training":
      throw new Unable("inference only");
    case "augmentation":
    case "data":
    case "ceiling":
      throw new Unable("no such thing");
  }
}

async function nodeJob(runtime: Runtime, { node, feeds, read }: Task, threads: number): Promise<Job> {
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionProviders: ["cpu"] };
  const session: Session = await runtime.InferenceSession.create(onnxModel(node), options);
  const fed = Object.fromEntries(
    node.inputs.flatMap(({ name, shape }): [string, OnnxTensor][] => {
      const data = feeds[name];
      return data ? [[name, new runtime.Tensor("float32", data, shape)]] : [];
    }),
  );
  const run = async (): Promise<OnnxTensor> => {
    const result = (await session.run(fed))[node.output.name];
    if (!result) throw new RangeError(`expected a result ${node.output.name}`);
    return result;
  };
  return {
    run: async () => {
      (await run()).dispose();
    },
    outputs: async () => {
      const { data } = await run();
      return [read ? read(data) : data];
    },
    dispose: () => {
      for (const each of Object.values(fed)) each.dispose();
      void session.release();
    },
  };
}

const plain = (op: string, inputsOf: Node["inputs"], shape: readonly number[], attributes: Node["attributes"] = {}): Node => ({ op, attributes, inputs: inputsOf, weights: {}, output: { name: "y", shape } }); // prettier-ignore

function matmul(problem: Matmul): Task {
  const [a, b] = inputs.productInputs(problem);
  const { m, n, batch } = problem;
  const shape = batch === undefined ? [m, n] : [batch, m, n];
  return {
    node: plain("MatMul", [{ name: "a", shape: a.shape }, { name: "b", shape: b.shape }], shape), // prettier-ignore
    feeds: { a: a.data, b: b.data },
  };
}

function convolution(problem: Conv2d): Task {
  const { x, w, stride, groups, dilation, pass } = problem;
  if (pass !== "forward") throw new Unable("inference only");
  const data = inputs.convolutionInputs(problem);
  const padding = paddingOf(problem);
  const shape = convolutionShape(problem);
  return {
    node: {
      op: "Conv",
      attributes: {
        group: groups,
        kernel_shape: [w[0], w[1]],
        pads: [padding, padding, padding, padding],
        strides: [stride, stride],
        dilations: [dilation, dilation],
      },
      inputs: [
        { name: "x", shape: channelsFirst(x) },
        { name: "w", shape: outputsFirst(w) },
      ],
      weights: { w: toOihw(data.w, w) },
      output: { name: "y", shape: channelsFirst(shape) },
    },
    feeds: { x: toNchw(data.x, x) },
    read: (values) => fromNchw(values, shape),
  };
}

function memory({ op, rows, columns }: Memory): Task {
  const shape = [rows, columns];
  const [a, b] = [{ name: "a", shape }, { name: "b", shape }]; // prettier-ignore
  const one = { a: inputs.uniform(shape, 0) };
  switch (op) {
    case "add":
      return { node: plain("Add", [a, b], shape), feeds: { ...one, b: inputs.uniform(shape, 1) } };
    case "softmax":
      return { node: plain("Softmax", [a], shape, { axis: 1 }), feeds: one };
    case "sum":
      return { node: plain("ReduceSum", [a], [], { keepdims: 0 }), feeds: one };
    case "gelu":
    case "sumRows":
    case "sumColumns":
      throw new Unable("left out: no single node with attributes alone");
  }
}
