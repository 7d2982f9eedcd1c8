import * as e from "../../engine/expr/expr.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBelowOne, checkNonNegative } from "../check.ts";
import { HostState } from "../state.ts";
import { defineUpdate } from "../update.ts";
import { Optimizer, zerosLike } from "./optimizer.ts";
import type { OptimizerOptions } from "./optimizer.ts";

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions extends OptimizerOptions {
  /** How much of the mean (beta1) and of the mean square (beta2) survives a step, in [0, 1). Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
}

/** Running means of a parameter's gradient and of its square, and the number of steps that they are made of. */
type Moments = Readonly<Record<"mean" | "square", Tensor> & Record<"step", HostState>>;

// g' = g + l2 w;  m <- m + (1 - beta1) (g' - m);  v <- v + (1 - beta2) (g'^2 - v)
// w <- shrink w - lr mhat / (sqrt(vhat) + epsilon),  mhat = m / (1 - beta1^t),  vhat = v / (1 - beta2^t)
//
// Of these the host computes rate1 = 1 - beta1 and rate2 = 1 - beta2 (in f32, 1 - 0.999 would lose four digits),
// rate = lr / (1 - beta1^t) and root = sqrt(1 - beta2^t).
const adamUpdate = defineUpdate("adam", (w, m, v, g, l2, shrink, rate1, rate2, rate, root, epsilon) => {
  const gradient = e.add(g, e.mul(l2, w));
  const mean = e.add(m, e.mul(rate1, e.sub(gradient, m)));
  const square = e.add(v, e.mul(rate2, e.sub(e.square(gradient), v)));
  const direction = e.div(mean, e.add(e.div(e.sqrt(square), root), epsilon));
  return [e.sub(e.mul(shrink, w), e.mul(rate, direction)), mean, square];
});

/**
 * Adam (Kingma and Ba, ICLR 2015) as PyTorch defines it: steps of about the learning rate along each coordinate,
 * whatever the size of its gradients. Moments start at 0 and are corrected for it by the number of steps that the
 * parameter had a gradient in. Weight decay is added to the gradient, like that of a penalty wd/2 |w|^2. One kernel
 * updates a parameter with its moments.
 */
export class Adam extends Optimizer<Moments> {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly #decoupled: boolean;

  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @param decoupled - that of {@link AdamW}.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: AdamOptions, decoupled = false) {
    const who = decoupled ? "AdamW" : "Adam";
    const { betas = [0.9, 0.999], epsilon = 1e-8 } = options;
    for (const beta of betas) checkBelowOne(who, "betas", beta);
    checkNonNegative(who, "epsilon", epsilon);
    super(who, parameters, options, (parameter) => ({
      mean: zerosLike(parameter),
      square: zerosLike(parameter),
      step: new HostState([0]),
    }));
    this.betas = betas;
    this.epsilon = epsilon;
    this.#decoupled = decoupled;
  }

  protected override update(parameter: Tensor, gradient: Tensor, decay: number, moments: Moments): void {
    const { mean, square, step } = moments;
    const t = (step.values[0] ?? 0) + 1;
    step.values = [t];
    const [beta1, beta2] = this.betas;
    const [l2, shrink] = this.#decoupled ? [0, 1 - this.lr * decay] : [decay, 1];
    const [rate, root] = [this.lr / (1 - beta1 ** t), Math.sqrt(1 - beta2 ** t)];
    adamUpdate(parameter, mean, square, gradient, l2, shrink, 1 - beta1, 1 - beta2, rate, root, this.epsilon);
  }
}

/**
 * {@link Adam} with decoupled weight decay (Loshchilov and Hutter, ICLR 2019): each step first multiplies the parameter
 * by 1 - lr wd, and gradients know nothing of it.
 */
export class AdamW extends Adam {
  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: AdamOptions) {
    super(parameters, options, true);
  }
}
