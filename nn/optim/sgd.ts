import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBelowOne } from "../check.ts";
import { defineUpdate } from "../update.ts";
import { Optimizer, zerosLike } from "./optimizer.ts";
import type { OptimizerOptions } from "./optimizer.ts";

/** Options of {@link SGD}. */
export interface SGDOptions extends OptimizerOptions {
  /** mu: how much of the velocity survives a step, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Nesterov's momentum: the gradient step is taken from where the velocity leads. Default false. */
  readonly nesterov?: boolean;
}

type Velocity = Readonly<Record<"velocity", Tensor>>;

// g' = g + wd w;  v <- mu v + g';  w <- w - lr v
const sgdUpdate = defineUpdate("sgd", (w, v, g, lr, momentum, decay) => {
  const velocity = e.add(e.mul(momentum, v), e.add(g, e.mul(decay, w)));
  return [e.sub(w, e.mul(lr, velocity)), velocity];
});

// g' = g + wd w;  v <- mu v + g';  w <- w - lr (g' + mu v)
const nesterovUpdate = defineUpdate("sgdNesterov", (w, v, g, lr, momentum, decay) => {
  const gradient = e.add(g, e.mul(decay, w));
  const velocity = e.add(e.mul(momentum, v), gradient);
  return [e.sub(w, e.mul(lr, e.add(gradient, e.mul(momentum, velocity)))), velocity];
});

/**
 * Stochastic gradient descent with momentum, as PyTorch defines it (the learning rate scales the velocity when it is
 * applied, not when it is accumulated; velocities start at 0). The decay is that of a penalty wd/2 |w|^2. One kernel
 * updates a parameter with its velocity.
 */
export class SGD extends Optimizer<Velocity> {
  readonly momentum: number;
  readonly nesterov: boolean;

  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: SGDOptions) {
    const { momentum = 0, nesterov = false } = options;
    checkBelowOne("SGD", "momentum", momentum);
    if (nesterov && momentum === 0) {
      throw new ValueError("SGD: expected momentum above 0 with nesterov, got 0");
    }
    super("SGD", parameters, options, (parameter) => ({ velocity: zerosLike(parameter) }));
    this.momentum = momentum;
    this.nesterov = nesterov;
  }

  protected override update(
    parameter: Tensor,
    gradient: Tensor,
    decay: number,
    { velocity }: Velocity,
  ): void {
    const update = this.nesterov ? nesterovUpdate : sgdUpdate;
    update(parameter, velocity, gradient, this.lr, this.momentum, decay);
  }
}
