/**
 * Layer-wise adaptive rate scaling (You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks",
 * arXiv 1708.03888): each parameter moves by about the same fraction of its own length, so that one learning rate
 * suits all layers, however large the batch.
 */
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../../engine/expr/kernel.ts";
import { runExpression } from "../../engine/launch.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBelowOne, checkNonNegative } from "../check.ts";
import { defineUpdate } from "../update.ts";
import { Optimizer, isWeight, zerosLike } from "./optimizer.ts";
import type { OptimizerOptions } from "./optimizer.ts";

/** Options of {@link LARS}. */
export interface LARSOptions extends OptimizerOptions {
  /** mu: how much of the velocity survives a step, in [0, 1). Default 0.9. */
  readonly momentum?: number;
  /** Nesterov's momentum: the gradient step is taken from where the velocity leads. Default false. */
  readonly nesterov?: boolean;
  /** eta: the fraction of its own length by which a parameter moves where lr is 1. Default 0.001. */
  readonly trust?: number;
  /** Added to the norms of gradient and decay; of the variant "pytorch" only. Default 1e-8. */
  readonly epsilon?: number;
  /** Whose definition; see {@link LARS}. Default "tensorflow". */
  readonly variant?: LARSVariant;
  /** Which parameters have a trust ratio of their own; it is 1 for the others. Default as for `decays`. */
  readonly adapts?: (name: string, parameter: Tensor) => boolean;
}

/** Whose definition of {@link LARS}. */
export type LARSVariant = "tensorflow" | "pytorch";

type Velocity = Readonly<Record<"velocity", Tensor>>;

// Operands of the trust ratio, and after them the two sums of squares.
const [w, g, decay, trust, epsilon] = [e.input(0), e.input(1), e.input(2), e.input(3), e.input(4)];
const [sumOfW, sumOfG] = [e.input(5), e.input(6)];
const [normOfW, normOfG] = [e.sqrt(sumOfW), e.sqrt(sumOfG)];

/** One kernel: the squares of w and `gradient` are summed, and `ratio` is made of the sums; 1 if one of them is 0. */
const trustRatio = (name: string, gradient: Expr, ratio: Expr): ExpressionDefinition => ({
  name,
  accumulators: [w, gradient].map((x) => ({ monoid: "sum", of: e.square(x) })),
  outputs: [e.where(e.less(0, sumOfW), e.where(e.less(0, sumOfG), ratio, 1), 1)],
});

const trustRatios = {
  // lambda = eta |w| / |g + wd w|
  tensorflow: trustRatio("lars.ratio", e.add(g, e.mul(decay, w)), e.div(e.mul(trust, normOfW), normOfG)),
  // lambda = eta |w| / (|g| + wd |w| + epsilon)
  pytorch: trustRatio(
    "lars.ratioOfNorms",
    g,
    e.div(e.mul(trust, normOfW), e.add(e.add(normOfG, e.mul(decay, normOfW)), epsilon)),
  ),
} satisfies Record<LARSVariant, ExpressionDefinition>;

// s = a lambda (g + wd w);  v <- mu v + s;  w <- w - b v,  or with Nesterov  w <- w - b (s + mu v).
// The learning rate is a, and b = 1, or the other way round: it scales steps as they are accumulated, or as applied.
const larsUpdate = (nesterov: boolean) =>
  defineUpdate(nesterov ? "larsNesterov" : "lars", (w, v, g, lambda, momentum, decay, a, b) => {
    const step = e.mul(e.mul(a, lambda), e.add(g, e.mul(decay, w)));
    const velocity = e.add(e.mul(momentum, v), step);
    return [e.sub(w, e.mul(b, nesterov ? e.add(step, e.mul(momentum, velocity)) : velocity)), velocity];
  });
const updates = { plain: larsUpdate(false), nesterov: larsUpdate(true) };

/**
 * SGD with momentum whose steps are multiplied, for each parameter, by its trust ratio lambda, which is 1 where
 * parameter or gradient are 0. With g' = g + wd w:
 *
 *     "tensorflow"  lambda = eta |w| / |g'|,                      v <- mu v + lr lambda g',  w <- w - v
 *     "pytorch"     lambda = eta |w| / (|g| + wd |w| + epsilon),  v <- mu v + lambda g',     w <- w - lr v
 *
 * The first is that of SimCLR and of the paper's official code ("classic momentum"), the second that of Lightning Bolts,
 * Lightly and solo-learn. They differ where the learning rate changes: the first one's velocity remembers the rates of
 * earlier steps. Norms stay on the device. Two kernels update a parameter: one makes lambda, one the step.
 *
 * By default biases and the scales and shifts of normalisations neither decay nor adapt, as in SimCLR. The paper's
 * official code excludes those of normalisations alone:
 *
 * ```ts
 * const modules = [...model.namedModules().values()];
 * const excluded = new Set(modules.filter((m) => m instanceof BatchNorm2d).flatMap((m) => m.parameters()));
 * const included = (_name: string, parameter: Tensor) => !excluded.has(parameter);
 * new LARS(model.namedParameters(), { lr: 9.6, weightDecay: 1e-3, decays: included, adapts: included });
 * ```
 */
export class LARS extends Optimizer<Velocity> {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly trust: number;
  readonly epsilon: number;
  readonly variant: LARSVariant;
  readonly #adaptive: ReadonlySet<Tensor>;

  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: LARSOptions) {
    const { momentum = 0.9, nesterov = false, trust = 0.001, epsilon = 1e-8 } = options;
    const { variant = "tensorflow", adapts = isWeight } = options;
    checkBelowOne("LARS", "momentum", momentum);
    if (nesterov && momentum === 0) {
      throw new ValueError("LARS: expected momentum above 0 with nesterov, got 0");
    }
    if (!Object.hasOwn(trustRatios, variant)) {
      const known = Object.keys(trustRatios).join(", ");
      throw new ValueError(`LARS: expected a variant among ${known}, got ${JSON.stringify(variant)}`);
    }
    checkNonNegative("LARS", "trust", trust);
    checkNonNegative("LARS", "epsilon", epsilon);
    super("LARS", parameters, options, (parameter) => ({ velocity: zerosLike(parameter) }));
    this.momentum = momentum;
    this.nesterov = nesterov;
    this.trust = trust;
    this.epsilon = epsilon;
    this.variant = variant;
    this.#adaptive = new Set(
      [...parameters].flatMap(([name, parameter]) => (adapts(name, parameter) ? [parameter] : [])),
    );
  }

  protected override update(
    parameter: Tensor,
    gradient: Tensor,
    decay: number,
    { velocity }: Velocity,
  ): void {
    const { lr, momentum, nesterov, variant } = this;
    const [a, b] = variant === "tensorflow" ? [lr, 1] : [1, lr];
    const update = nesterov ? updates.nesterov : updates.plain;
    scope(() => {
      const lambda = this.#adaptive.has(parameter) ? this.#trustRatio(parameter, gradient, decay) : 1;
      update(parameter, velocity, gradient, lambda, momentum, decay, a, b);
    });
  }

  /** lambda, with as many axes as the parameter, all of length 1. */
  #trustRatio(parameter: Tensor, gradient: Tensor, decay: number): Tensor | number {
    const operands = [parameter, gradient, decay, this.trust, this.epsilon];
    const { shape } = parameter;
    return runExpression(trustRatios[this.variant], operands, shape, [...shape.keys()])[0] ?? 1;
  }
}
