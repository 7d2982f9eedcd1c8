import type { Tensor } from "../engine/tensor.ts";
import { Module } from "./module.ts";

type Op<Args extends readonly unknown[]> = (x: Tensor, ...args: Args) => Tensor;

/** A module that applies one op. */
export class OpModule<Args extends readonly unknown[]> extends Module {
  /** What the op takes after the tensor. */
  readonly args: Args;
  readonly #op: Op<Args>;

  constructor(op: Op<Args>, args: Args) {
    super();
    this.#op = op;
    this.args = args;
  }

  override forward(x: Tensor): Tensor {
    return this.#op(x, ...this.args);
  }
}

/**
 * The module class of an op of one tensor. Its constructor takes what the op takes after the tensor.
 *
 * ```ts
 * class MaxPool2d extends fromOp(maxPool2d) {}
 * new MaxPool2d({ kernel: 2 }).forward(x); // maxPool2d(x, { kernel: 2 })
 * ```
 */
export const fromOp = <Args extends readonly unknown[]>(
  op: Op<Args>,
): new (...args: Args) => OpModule<Args> =>
  class extends OpModule<Args> {
    constructor(...args: Args) {
      super(op, args);
    }
  };
