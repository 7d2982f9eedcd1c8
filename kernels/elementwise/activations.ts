/**
 * Activation functions, element by element. The derivatives come from the expressions.
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import type { Tensor } from "../../engine/tensor.ts";

/** max(x, 0), and NaN for NaN. The derivative at 0 is 0. */
export const relu = elementwise("relu", e.relu);

const leaky = elementwise("leakyRelu", (x, slope) => e.where(e.lessEqual(x, 0), e.mul(slope, x), x));

/** x where x > 0, else slope x. The derivative at 0 is the slope. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => leaky(x, slope);

// The exponential sees no positive x: where that overflows, 0 times its derivative would be NaN.
const exponentialLinear = elementwise("elu", (x, alpha) => {
  const isNegative = e.lessEqual(x, 0);
  return e.where(isNegative, e.mul(alpha, e.expm1(e.where(isNegative, x, 0))), x);
});

/** x where x > 0, else alpha (e^x - 1) (Clevert et al., ICLR 2016). The derivative at 0 is alpha. */
export const elu = (x: Tensor, alpha = 1): Tensor => exponentialLinear(x, alpha);

/** 1 / (1 + e^-x), without overflow. */
export const sigmoid = elementwise("sigmoid", (x) => e.sigmoid(x));

/** ln(1 + e^x), without overflow, and accurate where it is small. */
export const softplus = elementwise("softplus", (x) => e.softplus(x));

/** ln(sigmoid(x)), without overflow, and accurate where it is small. */
export const logSigmoid = elementwise("logSigmoid", (x) => e.neg(e.softplus(e.neg(x))));

/** x sigmoid(x), also called swish. */
export const silu = elementwise("silu", (x) => e.mul(x, e.sigmoid(x)));

/** Options of {@link gelu}. */
export interface GeluOptions {
  /** `tanh` for the approximation of the original paper, within 5e-4. Default `none`. */
  readonly approximate?: "none" | "tanh";
}

const halfOf = (x: Expr, f: Expr): Expr => e.mul(e.mul(0.5, x), e.add(1, f));

const geluForms = {
  none: elementwise("gelu", (x) => halfOf(x, e.erf(e.mul(x, Math.SQRT1_2)))),
  tanh: elementwise("gelu", (x) => {
    const cubic = e.add(x, e.mul(0.044715, e.mul(x, e.square(x))));
    return halfOf(x, e.tanh(e.mul(Math.sqrt(2 / Math.PI), cubic)));
  }),
};

/**
 * x times the probability that a standard normal number is below x (Hendrycks and Gimpel, 2016):
 * x / 2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for the error function.
 * Throws ValueError for another approximation.
 */
export function gelu(x: Tensor, { approximate = "none" }: GeluOptions = {}): Tensor {
  if (!Object.hasOwn(geluForms, approximate)) {
    throw new ValueError(`gelu: expected approximate to be none or tanh, got ${approximate}`);
  }
  return geluForms[approximate](x);
}
