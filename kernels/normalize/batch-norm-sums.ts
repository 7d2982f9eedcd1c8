import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../../engine/expr/kernel.ts";
import { runExpression } from "../../engine/launch.ts";
import { defineMultiOp } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";

const [dyInput, xInput, meanInput, rstdInput] = [e.input(0), e.input(1), e.input(2), e.input(3)];
const normalized = e.mul(e.sub(xInput, meanInput), rstdInput);

const definition: ExpressionDefinition = {
  name: "batchNormSums",
  accumulators: [
    { monoid: "sum", of: dyInput },
    { monoid: "sum", of: e.mul(dyInput, normalized) },
  ],
  outputs: [e.input(4), e.input(5)],
};

// b + g (x - mean) rstd
const gradientOfDy = elementwise("batchNormSums.dy", (b, g, x, mean, rstd) =>
  e.add(b, e.mul(g, e.mul(e.sub(x, mean), rstd))),
);
// g rstd dy
const gradientOfX = elementwise("batchNormSums.x", (g, rstd, dy) => e.mul(e.mul(g, rstd), dy));
// -g rstd dbeta
const gradientOfMean = elementwise("batchNormSums.mean", (g, rstd, dbeta) =>
  e.neg(e.mul(e.mul(g, rstd), dbeta)),
);
// g dgamma / rstd
const gradientOfRstd = elementwise("batchNormSums.rstd", (g, rstd, dgamma) => e.div(e.mul(g, dgamma), rstd));

/**
 * Both sums of batch normalisation's backward in one pass over dy and x [..., C], for mean and rstd [C]:
 *
 *     dbeta = sum dy,   dgamma = sum dy xhat,   with xhat = (x - mean) rstd
 */
export const batchNormSums = defineMultiOp({
  name: "batchNormSums",
  infer: ({ x }: { dy: Tensor; x: Tensor; mean: Tensor; rstd: Tensor }) =>
    x.shape.slice(0, -1).map((_, axis) => axis),
  forward: ({ dy, x, mean, rstd }, axes) => {
    const [dbeta, dgamma] = runExpression(definition, [dy, x, mean, rstd], x.shape, axes).map((sum) =>
      reshape(sum, mean.shape),
    );
    if (!dbeta || !dgamma) throw new RangeError("batchNormSums: no sums");
    return { outputs: { dbeta, dgamma }, saved: { dy, x, mean, rstd, dbeta, dgamma } };
  },
  // with b, g the gradients of dbeta, dgamma:
  // d(dy) = b + g xhat,   dx = g rstd dy,   dmean = -g rstd sum dy,   drstd = g sum dy (x - mean)
  backward: ({ dy, x, mean, rstd, dbeta, dgamma }, { dbeta: b, dgamma: g }) => ({
    dy: () => gradientOfDy(b ?? 0, g ?? 0, x, mean, rstd),
    x: g && (() => gradientOfX(g, rstd, dy)),
    mean: g && (() => gradientOfMean(g, rstd, dbeta)),
    rstd: g && (() => gradientOfRstd(g, rstd, dgamma)),
  }),
});
