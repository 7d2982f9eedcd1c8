import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { defineOp } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { nonEmptyAxes } from "../axis.ts";
import { sub } from "../elementwise/arithmetic.ts";
import { logSumExp, sumExp } from "../reduce/log-sum-exp.ts";
import { max } from "../reduce/max.ts";
import { sum } from "../reduce/sum.ts";

const keepDims = { keepDims: true };

const weights = elementwise("softmax", (x, m, total) => e.div(e.exp(e.sub(x, m)), total));
const dot = new Formula("softmax.dot", 2, e.mul(e.input(0), e.input(1)), "sum");
const softmaxGradient = elementwise("softmax.gradient", (y, dy, mean) => e.mul(y, e.sub(dy, mean)));

const softmaxOp = defineOp({
  name: "softmax",
  infer: ({ x }: { x: Tensor }, axis: number) => nonEmptyAxes("softmax", axis, x.shape),
  forward: ({ x }, axes) => {
    const m = max(x, axes, keepDims);
    const output = weights(x, m, sumExp.apply([x, m], { axes }));
    return { output, saved: { y: output } };
  },
  // dy_j/dx_i = y_j ([i = j] - y_i)  =>  dx = y (dy - sum(dy y))
  backward: ({ y }, dy, axes) => ({ x: () => softmaxGradient(y, dy, dot.apply([dy, y], { axes })) }),
});

/**
 * e^x / sum e^x along an axis, without overflow. NaN where all elements are -Infinity.
 * Throws ShapeError for an axis that is out of range or has no elements.
 */
export const softmax = (x: Tensor, axis = -1): Tensor => softmaxOp({ x }, axis);

const logSoftmaxGradient = elementwise("logSoftmax.gradient", (y, dy, total) =>
  e.sub(dy, e.mul(e.exp(y), total)),
);

const logSoftmaxOp = defineOp({
  name: "logSoftmax",
  infer: ({ x }: { x: Tensor }, axis: number) => nonEmptyAxes("logSoftmax", axis, x.shape),
  forward: ({ x }, axes) => {
    const output = sub(x, logSumExp(x, axes, keepDims));
    return { output, saved: { y: output } };
  },
  // dy_j/dx_i = [i = j] - e^y_i  =>  dx = dy - e^y sum(dy)
  backward: ({ y }, dy, axes) => ({ x: () => logSoftmaxGradient(y, dy, sum(dy, axes, keepDims)) }),
});

/**
 * log softmax(x) = x - logSumExp(x) along an axis. NaN where all elements are -Infinity.
 * Throws ShapeError for an axis that is out of range or has no elements.
 */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => logSoftmaxOp({ x }, axis);
