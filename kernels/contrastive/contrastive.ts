/**
 * The core of contrastive losses: one anchor for each row of a matrix, compared with all other rows. The matrix of
 * similarities is never stored, neither forward nor backward, so that memory grows with the number of rows M, not
 * with its square.
 *
 * The gradient in closed form. With s_ia = z_i z_a / tau, the softmax P_ia = e^s_ia / sum_{b != i} e^s_ib and the uniform
 * distribution X_ia over the positives of i,
 *
 *     L_i = log sum_{a != i} e^s_ia - sum_a X_ia s_ia   =>   dL_i/ds_ia = P_ia - X_ia.
 *
 * s_ia depends on both z_i and z_a, so for L = sum of c_i L_i, with G_ia = c_i (P_ia - X_ia) and G_ii = 0,
 *
 *     dL/dz_i = 1/tau sum_a (G_ia + G_ai) z_a,   that is   dL/dZ = 1/tau (G + G^T) Z
 *
 * (Khosla et al., NeurIPS 2020, equation 4, has the first half only: the derivative of L_i by its own anchor). An anchor
 * without positives has c_i = 0. From the saved log of each row's sum, backward computes P_ia again where it needs it.
 */
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { defineOp, f32, run, runOne } from "../../engine/op.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import { checkDType, checkShapeIs } from "../arguments.ts";
import { contrastiveGradientKernel, contrastiveLossesKernel } from "./contrastive.kernels.ts";

interface Plan {
  readonly rows: number;
  readonly features: number;
  readonly temperature: number;
}

function infer({ z, classes }: { z: Tensor; classes: Tensor }, temperature: number): Plan {
  const [rows, features, ...more] = z.shape;
  if (rows === undefined || features === undefined || more.length > 0 || rows < 2 || features < 1) {
    throw new ShapeError(
      `contrastiveLosses: expected z [M, D] with M >= 2 and D >= 1, got shape ${formatShape(z.shape)}`,
    );
  }
  checkDType("contrastiveLosses", "f32", { z });
  checkDType("contrastiveLosses", "i32", { classes });
  checkShapeIs("contrastiveLosses", "classes", classes, [rows], "for each row of z");
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new ValueError(`contrastiveLosses: expected a finite temperature > 0, got ${temperature}`);
  }
  return { rows, features, temperature };
}

// The gradient that reaches an anchor without positives has no effect.
const masked = elementwise("contrastiveLosses.masked", (dLoss, inversePositives) =>
  e.where(e.equal(inversePositives, 0), 0, dLoss),
);

const contrastiveOp = defineOp({
  name: "contrastiveLosses",
  infer,
  forward: ({ z, classes }, plan) => {
    const specs = [f32([plan.rows]), f32([plan.rows]), f32([plan.rows])];
    const [output = z, logSumExp = z, inversePositives = z] = run(
      contrastiveLossesKernel,
      { ...plan },
      [z, classes],
      specs,
    );
    return { output, saved: { z, classes, logSumExp, inversePositives } };
  },
  // dZ = 1/tau (G + G^T) Z,  G_ia = (P_ia - X_ia) dL_i
  backward: ({ z, classes, logSumExp, inversePositives }, dLoss, { temperature }) => ({
    z: () => {
      const weights = masked(dLoss, inversePositives);
      return gradientOp({ z, classes, logSumExp, inversePositives, dLoss: weights }, temperature);
    },
    classes: null,
  }),
});

// Without a rule of its own: contrastive losses can be differentiated once.
const gradientOp = defineOp({
  name: "contrastiveLosses.gradient",
  infer: (
    inputs: Record<"z" | "classes" | "logSumExp" | "inversePositives" | "dLoss", Tensor>,
    temperature: number,
  ) => infer(inputs, temperature),
  forward: (inputs, plan) => {
    const { z, classes, logSumExp, inversePositives, dLoss } = inputs;
    const sources = [z, classes, logSumExp, inversePositives, dLoss];
    return { output: runOne(contrastiveGradientKernel, { ...plan }, sources, f32(z.shape)), saved: {} };
  },
});

/**
 * L_i for each row of z [M, D], of shape [M]: with A(i) all other rows and P(i) those of them in the same class,
 *
 *     L_i = log sum_{a in A(i)} e^(z_i z_a / tau) - 1/|P(i)| sum_{p in P(i)} z_i z_p / tau,
 *
 * 0 where P(i) is empty. `classes` [M] is an i32 tensor. Rows are taken as they are: normalise them before. Can be
 * differentiated once. Throws ShapeError for other shapes or fewer than two rows, DTypeError for other element types,
 * ValueError unless the temperature is finite and > 0.
 */
export const contrastiveLosses = (z: Tensor, classes: Tensor, temperature: number): Tensor =>
  contrastiveOp({ z, classes }, temperature);
