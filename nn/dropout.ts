import { Random } from "../engine/random.ts";
import type { Tensor } from "../engine/tensor.ts";
import { checkBelowOne } from "./check.ts";
import { dropout } from "../kernels/index.ts";
import { Module } from "./module.ts";
import { HostState } from "./state.ts";

/** Options of {@link Dropout}. */
export interface DropoutOptions {
  /** Gives the seed of this module's own generator, by one draw. */
  readonly random: Random;
}

/**
 * In training, sets each element to 0 with probability p and multiplies the others by 1 / (1 - p), so that the mean
 * stays (Srivastava et al., JMLR 2014); in evaluation x itself. The masks come from a generator on the host whose state
 * is saved with the module's: a continued run drops what an uninterrupted one would.
 */
export class Dropout extends Module {
  readonly p: number;
  /** The 128 bits of the generator. */
  readonly generator: HostState;

  /** Throws ValueError unless 0 <= p < 1. */
  constructor(p: number, { random }: DropoutOptions) {
    super();
    checkBelowOne("Dropout", "p", p);
    this.p = p;
    this.generator = new HostState(new Random(random.uint32()).state);
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    const random = Random.fromState(Array.from(this.generator.values, (bits) => bits >>> 0));
    const y = dropout(x, this.p, random);
    this.generator.values = random.state;
    return y;
  }
}
