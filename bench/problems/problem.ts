/** What is timed, as plain data: every library does the same problem in a process of its own. */
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { parameterCount, trainingOperations } from "./resnet.ts";

/** `[batch, height, width, channels]` of images. */
export type ImageShape = readonly [number, number, number, number];

/** `[kernelHeight, kernelWidth, inChannels / groups, outChannels]` of the weights of a convolution. */
export type WeightShape = readonly [number, number, number, number];

/** The residual networks that are trained, by name. */
export const networkNames = ["resnet8", "resnet20", "resnet18"] as const;
export type NetworkName = (typeof networkNames)[number];

/** y = a b, of [m, k] and [k, n]; of so many pairs, if `batch` is above 1. */
export interface Matmul {
  readonly kind: "matmul";
  readonly batch?: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** A convolution with zeros around that keep the size but for the stride, or passes of its gradient. Kernels are odd squares. */
export interface Conv2d {
  readonly kind: "conv2d";
  readonly x: ImageShape;
  readonly w: WeightShape;
  readonly stride: 1 | 2;
  readonly groups: number;
  readonly dilation: number;
  /** One pass, or the forward pass and both gradients, by way of automatic differentiation. */
  readonly pass: "forward" | "gradInput" | "gradWeight" | "both";
}

/** Batch normalisation in training, of x [batch, height, width, channels]; "both": with gradients of x, gamma, beta. */
export interface BatchNorm {
  readonly kind: "batchNorm";
  readonly x: ImageShape;
  readonly pass: "forward" | "both";
}

/** Ops that move more than they compute, on matrices [rows, columns]. */
export interface Memory {
  readonly kind: "memory";
  readonly op: "add" | "gelu" | "sum" | "sumRows" | "sumColumns" | "softmax";
  readonly rows: number;
  readonly columns: number;
}

/** The mean cross-entropy of logits [rows, classes] and its gradient. */
export interface CrossEntropy {
  readonly kind: "crossEntropy";
  readonly rows: number;
  readonly classes: number;
}

/** L_out (Khosla et al., eq. 2) of m rows of length 1 and d elements, in 10 classes, tau = 0.1, and its gradient. */
export interface SupCon {
  readonly kind: "supCon";
  readonly m: number;
  readonly d: number;
}

/** A step of an optimiser on the parameters of a network, whose gradients are given. */
export interface Optimizer {
  readonly kind: "optimizer";
  readonly name: "sgd" | "adam" | "lars";
  readonly network: NetworkName;
}

/** A step of training: forward, cross-entropy of 10 classes, backward, SGD with momentum 0.9. */
export interface Training {
  readonly kind: "training";
  readonly network: NetworkName;
  readonly batch: number;
  /** Height and width of the images, which have 3 channels. */
  readonly size: number;
}

/** Two random views of each of so many 32 x 32 x 3 images. */
export interface Augmentation {
  readonly kind: "augmentation";
  readonly images: number;
}

/** Reading MNIST's training images from its files. */
export interface DataLoading {
  readonly kind: "data";
}

/** What the machine does at most, by our backend's own means. */
export interface Ceiling {
  readonly kind: "ceiling";
  /**
   * Multiply-adds on registers alone; in the loop at the heart of our matrix products, on operands in the nearest cache;
   * copying memory that no cache holds.
   */
  readonly of: "registers" | "microKernel" | "copy";
}

export type Problem =
  | Ceiling
  | Matmul
  | Conv2d
  | BatchNorm
  | Memory
  | CrossEntropy
  | SupCon
  | Optimizer
  | Training
  | Augmentation
  | DataLoading;

/** What bounds a problem's time, and how much of it there is. */
export interface Work {
  /** Floating-point operations, or bytes read and written at least, or images, or starts of a process. */
  readonly unit: "operations" | "bytes" | "images" | "starts";
  readonly amount: number;
  /** Operations for each byte that must be read or written: where on a roofline the problem stands. */
  readonly intensity?: number;
  /** Images that are worked on, where speed is told in images/s. */
  readonly images?: number;
}

/** Zeros on each side. */
export const paddingOf = ({ w, dilation }: Pick<Conv2d, "w" | "dilation">): number =>
  Math.floor(w[0] / 2) * dilation;

/** The shape of a convolution's result. */
export function convolutionShape({ x, w, stride }: Pick<Conv2d, "x" | "w" | "stride">): ImageShape {
  const [batch, height, width] = x;
  return [batch, Math.ceil(height / stride), Math.ceil(width / stride), w[3]];
}

const floats = (...shapes: readonly Shape[]): number =>
  4 * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

const operations = (amount: number, bytes: number): Work => ({
  unit: "operations",
  amount,
  intensity: amount / bytes,
});

/**
 * The work of a problem, by the definition: a convolution counts all taps, those on the padding too, however it is
 * computed; training counts convolutions and the classifier.
 */
export function workOf(problem: Problem): Work {
  switch (problem.kind) {
    case "matmul": {
      const { m, n, k, batch = 1 } = problem;
      return operations(2 * batch * m * n * k, batch * floats([m, k], [k, n], [m, n]));
    }
    case "conv2d": {
      const { x, w, pass } = problem;
      const y = convolutionShape(problem);
      const once = 2 * sizeOf(y) * w[0] * w[1] * w[2];
      const passes = pass === "both" ? 3 : 1;
      return operations(passes * once, passes * floats(x, w, y));
    }
    // Forward: x read for the statistics and again, y written. Backward: dy and x read twice, dx written.
    case "batchNorm":
      return { unit: "bytes", amount: (problem.pass === "both" ? 8 : 3) * floats(problem.x) };
    case "memory": {
      const { op, rows, columns } = problem;
      const touched = { add: 3, gelu: 2, sum: 1, sumRows: 1, sumColumns: 1, softmax: 3 }[op];
      return { unit: "bytes", amount: touched * floats([rows, columns]) };
    }
    // The logits are read for the maximum, the sum and the gradient, which is written.
    case "crossEntropy":
      return { unit: "bytes", amount: 4 * floats([problem.rows, problem.classes]) };
    // Similarities, and the gradient's two products with the matrix of weights.
    case "supCon": {
      const { m, d } = problem;
      return operations(6 * m * m * d, 3 * floats([m, d]));
    }
    // Of each parameter: weight and memory read and written, gradient read.
    case "optimizer": {
      const touched = { sgd: 5, lars: 5, adam: 7 }[problem.name];
      return { unit: "bytes", amount: 4 * touched * parameterCount(problem.network) };
    }
    case "training": {
      const { network, size, batch } = problem;
      return { unit: "operations", amount: batch * trainingOperations(network, size), images: batch };
    }
    case "augmentation":
      return { unit: "images", amount: problem.images, images: problem.images };
    // Its job tells.
    case "ceiling":
      return { unit: problem.of === "copy" ? "bytes" : "operations", amount: 0 };
    case "data":
      return { unit: "images", amount: 60_000, images: 60_000 };
  }
}
