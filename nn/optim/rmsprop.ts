import { full } from "../../engine/create.ts";
import * as e from "../../engine/expr/expr.ts";
import { keep } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBelowOne, checkNonNegative } from "../check.ts";
import { defineUpdate } from "../update.ts";
import { Optimizer, zerosLike } from "./optimizer.ts";
import type { OptimizerOptions } from "./optimizer.ts";

/** Options of {@link RMSProp}. */
export interface RMSPropOptions extends OptimizerOptions {
  /** rho: how much of the mean square survives a step, in [0, 1). Default 0.9. */
  readonly rho?: number;
  /** mu: how much of the velocity survives a step, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Added to the mean square, inside of the root. Default 1e-10. */
  readonly epsilon?: number;
}

/** Running mean of a parameter's squared gradient, and the steps that it still makes. */
type Moments = Readonly<Record<"square" | "velocity", Tensor>>;

// g' = g + wd w;  s <- rho s + (1 - rho) g'^2;  v <- mu v + lr g' / sqrt(s + epsilon);  w <- w - v
//
// The host computes rate = 1 - rho: in f32, 1 - 0.999 would lose four digits.
const rmsPropUpdate = defineUpdate("rmsProp", (w, s, v, g, lr, rate, momentum, decay, epsilon) => {
  const gradient = e.add(g, e.mul(decay, w));
  const square = e.add(s, e.mul(rate, e.sub(e.square(gradient), s)));
  const step = e.div(e.mul(lr, gradient), e.sqrt(e.add(square, epsilon)));
  const velocity = e.add(e.mul(momentum, v), step);
  return [e.sub(w, velocity), square, velocity];
});

/**
 * RMSProp (Tieleman and Hinton, "Lecture 6.5", Coursera 2012) as TensorFlow defines it, with which the paper's linear
 * stage was trained (rho 0.9, momentum 0.9, epsilon 1e-3): not centred; the mean square starts at 1, so that the first
 * steps are short; epsilon stands inside of the root; the learning rate scales a step when it is accumulated. PyTorch's
 * differs in the last three. The decay is that of a penalty wd/2 |w|^2. One kernel updates a parameter with its moments.
 */
export class RMSProp extends Optimizer<Moments> {
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;

  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: RMSPropOptions) {
    const { rho = 0.9, momentum = 0, epsilon = 1e-10 } = options;
    checkBelowOne("RMSProp", "rho", rho);
    checkBelowOne("RMSProp", "momentum", momentum);
    checkNonNegative("RMSProp", "epsilon", epsilon);
    super("RMSProp", parameters, options, (parameter) => ({
      square: keep(full(parameter.shape, 1)),
      velocity: zerosLike(parameter),
    }));
    this.rho = rho;
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  protected override update(parameter: Tensor, gradient: Tensor, decay: number, moments: Moments): void {
    const { square, velocity } = moments;
    const { lr, rho, momentum, epsilon } = this;
    rmsPropUpdate(parameter, square, velocity, gradient, lr, 1 - rho, momentum, decay, epsilon);
  }
}
