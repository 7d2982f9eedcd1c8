/** jax-js: compiled by its `jit`, channels first, on WebAssembly or WebGPU. Its arrays are consumed by use. */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Array, Tree } from "@jax-js/jax";
import * as inputs from "../problems/inputs.ts";
import { channelsFirst, fromNchw, fromOihw, outputsFirst, toNchw, toOihw } from "../problems/layout.ts";
import { convolutionShape } from "../problems/problem.ts";
import type { BatchNorm, Conv2d, CrossEntropy, ImageShape, Matmul, Memory, Problem, SupCon, Training, WeightShape } from "../problems/problem.ts"; // prettier-ignore
import { CLASSES, runNetwork } from "../problems/resnet.ts";
import { becomeBrowser } from "./browser.ts";
import { Unable } from "./library.ts";
import type { Job, Library, Start } from "./library.ts";

type Jax = typeof import("@jax-js/jax");

/** Modes: `wasm` as it runs in Node, on one thread; `wasm threads` with web workers; `webgpu`. */
export async function open({ mode, threads }: Start): Promise<Library> {
  const device = mode === "webgpu" ? "webgpu" : "wasm";
  const workers = mode === "wasm threads";
  await becomeBrowser(workers ? threads : 1, { gpu: device === "webgpu", workers });
  const jax = await import("@jax-js/jax");
  const devices = await jax.init(device);
  if (!devices.includes(device)) throw new Unable(`jax-js has no device ${device} here`);
  jax.defaultDevice(device);
  const version = versionOf("@jax-js/jax");
  return {
    describe: () =>
      `jax-js ${version}, ${device}${device === "wasm" ? `, ${workers ? threads : 1} threads` : ""}`,
    job: (problem) => new JaxJobs(jax).job(problem),
  };
}

function versionOf(name: string): string {
  const main = createRequire(import.meta.url).resolve(name);
  const text = readFileSync(join(dirname(main), "..", "package.json"), "utf8");
  return /"version": "([^"]*)"/.exec(text)?.[1] ?? "?";
}

/** Arrays that stay, what is compiled of them, and how its results become ours. */
interface Op {
  readonly inputs: readonly Array[];
  readonly compute: (...inputs: Array[]) => Array | readonly Array[];
  readonly read?: readonly ((values: Float32Array) => Float32Array)[];
}

class JaxJobs {
  readonly #jax: Jax;

  constructor(jax: Jax) {
    this.#jax = jax;
  }

  job(problem: Problem): Job {
    switch (problem.kind) {
      case "matmul":
        return this.#opJob(this.#matmul(problem));
      case "conv2d":
        return this.#opJob(this.#convolution(problem));
      case "batchNorm":
        return this.#opJob(this.#batchNorm(problem));
      case "memory":
        return this.#opJob(this.#memory(problem));
      case "crossEntropy":
        return this.#opJob(this.#crossEntropy(problem));
      case "supCon":
        return this.#opJob(this.#supCon(problem));
      case "training":
        return this.#training(problem);
      case "optimizer":
        throw new Unable("no optimisers in the package");
      case "augmentation":
      case "data":
      case "ceiling":
        throw new Unable("no such thing");
    }
  }

  #opJob({ inputs: arrays, compute, read = [] }: Op): Job {
    const { jit, blockUntilReady, tree } = this.#jax;
    const compiled = jit<readonly Array[], Tree>((...values) => compute(...values));
    const call = () => compiled(...arrays.map((array) => array.ref));
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
        for (const array of arrays) array.dispose();
      },
    };
  }

  #array(values: Float32Array, shape: readonly number[]): Array {
    return this.#jax.numpy.array(values, { shape });
  }

  #images = (values: Float32Array, shape: ImageShape): Array => this.#array(toNchw(values, shape), channelsFirst(shape)); // prettier-ignore

  #weights = (values: Float32Array, shape: WeightShape): Array => this.#array(toOihw(values, shape), outputsFirst(shape)); // prettier-ignore

  #matmul(problem: Matmul): Op {
    const [a, b] = inputs.productInputs(problem);
    return {
      inputs: [this.#array(a.data, a.shape), this.#array(b.data, b.shape)],
      compute: (x, y) => this.#jax.numpy.matmul(given(x), given(y)),
    };
  }

  #convolve(x: Array, w: Array, kernel: number, stride: number, groups = 1): Array {
    const around = [Math.floor(kernel / 2), Math.floor(kernel / 2)] as const;
    const options = { featureGroupCount: groups };
    return this.#jax.lax.convGeneralDilated(x, w, [stride, stride], [around, around], options);
  }

  #convolution(problem: Conv2d): Op {
    const { grad, numpy } = this.#jax;
    const { x: xShape, w: wShape, stride, groups, dilation, pass } = problem;
    if (dilation > 1) throw new Unable("left out");
    const data = inputs.convolutionInputs(problem);
    const yShape = convolutionShape(problem);
    const [x, w, dy] = [
      this.#images(data.x, xShape),
      this.#weights(data.w, wShape),
      this.#images(data.dy, yShape),
    ];
    const forward = (a: Array | undefined, b: Array | undefined) => this.#convolve(given(a), given(b), wShape[0], stride, groups); // prettier-ignore
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

  /** x [batch, channels, height, width]; gamma, beta [channels]. */
  #normalize(x: Array, gamma: Array, beta: Array): Array {
    const { numpy } = this.#jax;
    const axes = [0, 2, 3];
    const perChannel = [1, gamma.shape[0] ?? 1, 1, 1];
    const centred = x.ref.sub(numpy.mean(x, axes, { keepdims: true }));
    const variance = numpy.mean(numpy.square(centred.ref), axes, { keepdims: true });
    const scale = gamma.reshape(perChannel).div(numpy.sqrt(variance.add(1e-5)));
    return centred.mul(scale).add(beta.reshape(perChannel));
  }

  #batchNorm({ x: shape, pass }: BatchNorm): Op {
    const channels = shape[3];
    const x = this.#images(inputs.uniform(shape, 0), shape);
    const gamma = this.#array(inputs.uniform([channels], 1), [channels]);
    const beta = this.#array(inputs.uniform([channels], 2), [channels]);
    const read = [(values: Float32Array) => fromNchw(values, shape)];
    const forward = (a?: Array, b?: Array, c?: Array) => this.#normalize(given(a), given(b), given(c));
    if (pass === "forward") return { inputs: [x, gamma, beta], compute: forward, read };
    const dy = this.#images(inputs.uniform(shape, 3), shape);
    const inner = (a?: Array, b?: Array, c?: Array, d?: Array) => this.#jax.numpy.sum(forward(a, b, c).mul(given(d))); // prettier-ignore
    return { inputs: [x, gamma, beta, dy], compute: this.#jax.grad(inner, { argnums: [0, 1, 2] }), read };
  }

  #memory({ op, rows, columns }: Memory): Op {
    const { numpy, nn } = this.#jax;
    const shape = [rows, columns];
    const x = this.#array(inputs.uniform(shape, 0), shape);
    switch (op) {
      case "add":
        return {
          inputs: [x, this.#array(inputs.uniform(shape, 1), shape)],
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

  #oneHot(labels: Int32Array, classes: number): Array {
    const values = new Float32Array(labels.length * classes);
    labels.forEach((label, row) => { values[row * classes + label] = 1; }); // prettier-ignore
    return this.#array(values, [labels.length, classes]);
  }

  #meanCrossEntropy(logits: Array, targets: Array): Array {
    const { numpy, nn } = this.#jax;
    return numpy.mean(numpy.sum(targets.mul(nn.logSoftmax(logits, 1)), 1)).neg();
  }

  #crossEntropy({ rows, classes }: CrossEntropy): Op {
    const logits = this.#array(inputs.uniform([rows, classes]), [rows, classes]);
    const targets = this.#oneHot(inputs.labels(rows, classes), classes);
    const loss = (x?: Array, y?: Array) => this.#meanCrossEntropy(given(x), given(y));
    return { inputs: [logits, targets], compute: this.#jax.grad(loss, { argnums: [0] }) };
  }

  #supCon({ m, d }: SupCon): Op {
    const { numpy, nn, grad } = this.#jax;
    const z = this.#array(inputs.unitRows(m, d), [m, d]);
    const masks = inputs.pairMasks(m, inputs.labels(m, 10));
    const loss = (x?: Array, itself?: Array, positives?: Array) => {
      const rows = given(x);
      const logits = numpy.matmul(rows.ref, rows.transpose()).div(0.1);
      const others = nn.logsumexp(logits.ref.sub(given(itself)), 1);
      return numpy.mean(others.sub(numpy.sum(logits.mul(given(positives)), 1)));
    };
    return {
      inputs: [z, this.#array(masks.itself, [m, m]), this.#array(masks.positives, [m, m])],
      compute: grad(loss, { argnums: [0] }),
    };
  }

  #training(problem: Training): Job {
    const { jit, valueAndGrad, blockUntilReady, tree, numpy, nn } = this.#jax;
    const { batch, size, network } = problem;
    const data = inputs.trainingInputs(problem);
    const x = this.#images(data.x, [batch, size, size, 3]);
    const targets = this.#oneHot(data.labels, CLASSES);
    type Named = Readonly<Record<string, Array>>;
    const forward = (weights: Named, images: Array): Array =>
      runNetwork<Array>(
        network,
        {
          conv: (value, name, stride) => {
            const w = given(weights[`${name}.weight`]);
            return this.#convolve(value, w.ref, w.shape[2] ?? 1, stride);
          },
          norm: (value, name) => this.#normalize(value, given(weights[`${name}.weight`]).ref, given(weights[`${name}.bias`]).ref), // prettier-ignore
          relu: (value) => nn.relu(value),
          add: (a, b) => a.add(b),
          share: (value) => value.ref,
          maxPool: () => {
            throw new Unable("no max pooling with padding");
          },
          averagePool: (value) => numpy.mean(value, [2, 3]),
          linear: (value, name) => numpy.matmul(value, given(weights[`${name}.weight`]).ref).add(given(weights[`${name}.bias`]).ref), // prettier-ignore
        },
        images,
      );
    const lossOf = (weights: Named, images: Array, wanted: Array): Array => {
      const loss = this.#meanCrossEntropy(forward(weights, images), wanted);
      tree.dispose(weights);
      return loss;
    };
    const { lr, momentum } = inputs.SGD_OPTIONS;
    // v <- mu v + g;  w <- w - lr v
    const step = jit((weights: Named, velocities: Named, images: Array, wanted: Array) => {
      const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(weights), images, wanted);
      const names = Object.keys(weights);
      const faster = Object.fromEntries(
        names.map((name) => [name, given(velocities[name]).mul(momentum).add(given(gradients[name]))]),
      );
      const moved = Object.fromEntries(
        names.map((name) => [name, given(weights[name]).sub(given(faster[name]).ref.mul(lr))]),
      );
      return [moved, faster, loss] as const;
    });
    const named = (make: (values: Float32Array) => Float32Array): Named =>
      Object.fromEntries(
        [...inputs.networkParameters(network)].map(([name, { shape, data: values }]) => {
          const [h, w, i, o] = shape;
          const isConvolution = h !== undefined && w !== undefined && i !== undefined && o !== undefined;
          return [
            name,
            isConvolution ? this.#weights(make(values), [h, w, i, o]) : this.#array(make(values), shape),
          ];
        }),
      );
    let weights = named((values) => values);
    let velocities = named((values) => new Float32Array(values.length));
    const advance = async (): Promise<Array> => {
      const [moved, faster, loss] = step(weights, velocities, x.ref, targets.ref);
      [weights, velocities] = [moved, faster];
      await blockUntilReady([moved, faster]);
      return loss;
    };
    const value = async (): Promise<number> => {
      const [loss = NaN] = await (await advance()).data();
      return loss;
    };
    return {
      run: async () => {
        (await advance()).dispose();
      },
      outputs: async () => [Float32Array.of(await value(), await value())],
      dispose: () => {
        for (const each of [weights, velocities, x, targets]) tree.dispose(each);
      },
    };
  }
}

function given(value: Array | undefined): Array {
  if (value === undefined) throw new RangeError("expected an array, got nothing");
  return value;
}
