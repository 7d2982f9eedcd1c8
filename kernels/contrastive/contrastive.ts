/**
 * The core of contrastive losses: rows of a matrix, the anchors, are compared with the rows of another, the contrast set.
 * The matrix of similarities is never stored, neither forward nor backward, so that memory grows with the number of
 * rows, not with their product.
 *
 * With s_ia = q_i k_a / tau, the positives P(i) = the a of i's class, the negatives N(i) = all others, and A(i) both
 * (i itself, if it is in the contrast set, is in none of them), an anchor's loss depends on few numbers:
 *
 *     log sum_A e^s,   log sum_N e^s,   log sum_P e^s,   sum_P s,   sum_P log(1 + e^(t - s))   for a threshold t_i.
 *
 * Every contrastive loss is a formula of these, and of sums over several contrast sets; autograd derives the formula, and
 * this file the numbers. Each is a sum over a, so its derivative by s_ia needs nothing but row i's result:
 *
 *     d log sum_S e^s / ds_ia = e^(s_ia - log sum_S e^s)  for a in S,
 *     d sum_P s       / ds_ia = 1                         for a in P,
 *     d sum_P log(1 + e^(t - s)) / ds_ia = -1 / (1 + e^(s_ia - t))  for a in P.
 *
 * With G_ia = the sum of these, each times the gradient that reaches row i's number,
 *
 *     dQ = 1/tau G K,    dK = 1/tau G^T Q,    and where both are one matrix Z:  dZ = 1/tau (G + G^T) Z
 *
 * (Khosla et al., NeurIPS 2020, equation 4, has the first half only: the derivative of L_i by its own anchor). Backward
 * computes the similarities again, a few rows at a time, and G from them and the rows' results.
 */
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { defineMultiOp, defineOp, f32, run, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkShapeIs } from "../arguments.ts";
import { mul, neg } from "../elementwise/arithmetic.ts";
import { contrastiveGradientKernel } from "./gradient.kernels.ts";
import { pullForm } from "./pairs.ts";
import { contrastiveSoftplusKernel } from "./softplus.kernels.ts";
import { contrastiveSplitSumsKernel, contrastiveSumsKernel } from "./sums.kernels.ts";

/** What is compared with what. */
export interface ContrastivePairs {
  /** Q, [R, D]. Rows are taken as they are: normalise them before. */
  readonly anchors: Tensor;
  /** K, [M, D]. The tensor `anchors` itself, where a batch is compared with itself: half the work backward. */
  readonly contrast: Tensor;
  /** i32 [2, R]: the class of each anchor, and its name. A row of the contrast set of the same name is the anchor itself. */
  readonly anchorLabels: Tensor;
  /** i32 [2, M], likewise. The tensor `anchorLabels` itself, where `contrast` is `anchors`: by it {@link contrastiveSums} sees that
   * pairs are symmetric, which on the CPU is half the work forward. */
  readonly contrastLabels: Tensor;
}
type Inputs = Readonly<Record<keyof ContrastivePairs, Tensor>>;

interface Plan {
  readonly rows: number;
  readonly columns: number;
  readonly features: number;
  readonly temperature: number;
  /** Whether the contrast set is the anchors: its gradient is then in theirs. */
  readonly symmetric: boolean;
}

interface Options {
  readonly who: string;
  readonly temperature: number;
  readonly symmetric: boolean;
}

function infer({ anchors, contrast, anchorLabels, contrastLabels }: Inputs, options: Options): Plan {
  const { who, temperature, symmetric } = options;
  const [rows, features, ...more] = anchors.shape;
  if (rows === undefined || features === undefined || more.length > 0 || rows < 1 || features < 1) {
    throw new ShapeError(
      `${who}: expected anchors [R, D] with R >= 1 and D >= 1, got shape ${formatShape(anchors.shape)}`,
    );
  }
  const [columns = 0] = contrast.shape;
  checkShapeIs(
    who,
    "contrast",
    contrast,
    [Math.max(1, columns), features],
    "for the features of the anchors",
  );
  checkDType(who, "f32", { anchors, contrast });
  checkDType(who, "i32", { anchorLabels, contrastLabels });
  checkShapeIs(who, "anchorLabels", anchorLabels, [2, rows], "for the class and the name of each anchor");
  checkShapeIs(who, "contrastLabels", contrastLabels, [2, columns], "for the class and the name of each row");
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new ValueError(`${who}: expected a finite temperature > 0, got ${temperature}`);
  }
  return { rows, columns, features, temperature, symmetric };
}

/** Inputs in the order in which kernels take them. */
const listed = ({ anchors, contrast, anchorLabels, contrastLabels }: Inputs): Tensor[] => [
  ...[anchors, contrast, anchorLabels, contrastLabels],
];

const paramsOf = ({ rows, columns, features, temperature }: Plan) => ({
  rows,
  columns,
  features,
  temperature,
});

/** What makes the pulls, all vectors over the anchors: see `contrastiveGradientKernel`. */
type Weights = Readonly<Record<"nu" | "pi" | "a" | "b" | "m", Tensor>>;
type Halves = Readonly<Record<"form" | "own" | "theirs", number>>;

// Without a rule of its own: what is fused can be differentiated once.
const gradientOp = defineOp({
  name: "contrastiveLosses.gradient",
  infer: ({ anchors, contrast }: Inputs & Weights, params: Halves & { readonly temperature: number }) => {
    const [rows = 0, features = 0] = anchors.shape;
    return { ...params, rows, features, columns: contrast.shape[0] ?? 0 };
  },
  forward: (inputs, params) => {
    const { nu, pi, a, b, m } = inputs;
    const sources = [...listed(inputs), nu, pi, a, b, m];
    return {
      output: runOne(contrastiveGradientKernel, params, sources, f32(inputs.anchors.shape)),
      saved: {},
    };
  },
});

// As the gradient of the others: a product alone would pass for differentiable by the anchors.
const thresholdsGradientOp = defineOp({
  name: "contrastiveLosses.gradient",
  infer: (_: Inputs & Readonly<Record<"thresholds" | "slopes" | "dSums", Tensor>>, none: null) => none,
  forward: ({ slopes, dSums }) => ({ output: mul(slopes, dSums), saved: {} }),
});

/** The gradients of anchors and contrast set. */
function gradients(
  { anchors, contrast, anchorLabels, contrastLabels }: Inputs,
  { temperature, symmetric }: Plan,
  form: number,
  weights: () => Weights,
): { readonly [K in keyof Inputs]: (() => Tensor) | null } {
  const forward = { anchors, contrast, anchorLabels, contrastLabels };
  const swapped = {
    ...{ anchors: contrast, anchorLabels: contrastLabels },
    ...{ contrast: anchors, contrastLabels: anchorLabels },
  };
  const call = (inputs: Inputs, own: number, theirs: number): Tensor =>
    gradientOp({ ...inputs, ...weights() }, { temperature, form, own, theirs });
  return {
    anchors: () => call(forward, 1, symmetric ? 1 : 0),
    contrast: () => call(swapped, 0, 1),
    ...{ anchorLabels: null, contrastLabels: null },
  };
}

/** Calls an op on pairs: one matrix for both sides is differentiated once, for both. */
function onPairs<Result>(
  who: string,
  { anchors, contrast, anchorLabels, contrastLabels }: ContrastivePairs,
  call: (inputs: Inputs, symmetric: boolean) => Result,
): Result {
  if (anchors !== contrast) return call({ anchors, contrast, anchorLabels, contrastLabels }, false);
  anchors.checkAlive(who);
  return call({ anchors, contrast: anchors.alias(null), anchorLabels, contrastLabels }, true);
}

const sumsOp = defineMultiOp({
  name: "contrastiveSums",
  infer,
  forward: (inputs, plan) => {
    const vector = f32([plan.rows]);
    const [logAll, positives] = run(contrastiveSumsKernel, paramsOf(plan), listed(inputs), [vector, vector]);
    if (!logAll || !positives) throw new RangeError("contrastiveSums: no outputs");
    return { outputs: { logAll, positives }, saved: { ...inputs, logAll } };
  },
  // G_ia = e^(s_ia - logAll_i) dlogAll_i + [a in P(i)] dpositives_i
  backward: ({ logAll, ...inputs }, { logAll: dLogAll, positives }, plan) =>
    gradients(inputs, plan, pullForm.all, () => {
      const a = dLogAll ?? zeros(logAll);
      return { nu: logAll, pi: logAll, a, b: a, m: positives ?? zeros(logAll) };
    }),
});

const splitSumsOp = defineMultiOp({
  name: "contrastiveSplitSums",
  infer,
  forward: (inputs, plan) => {
    const vector = f32([plan.rows]);
    const specs = [vector, vector, vector];
    const results = run(contrastiveSplitSumsKernel, paramsOf(plan), listed(inputs), specs);
    const [logNegatives, logPositives, positives] = results;
    if (!logNegatives || !logPositives || !positives)
      throw new RangeError("contrastiveSplitSums: no outputs");
    return {
      outputs: { logNegatives, logPositives, positives },
      saved: { ...inputs, logNegatives, logPositives },
    };
  },
  // G_ia = e^(s_ia - logNegatives_i) dlogNegatives_i                   for a in N(i),
  //        e^(s_ia - logPositives_i) dlogPositives_i + dpositives_i    for a in P(i)
  backward: ({ logNegatives, logPositives, ...inputs }, d, plan) =>
    gradients(inputs, plan, pullForm.exponential, () => ({
      ...{ nu: logNegatives, pi: logPositives, a: d.logNegatives ?? zeros(logNegatives) },
      ...{ b: d.logPositives ?? zeros(logNegatives), m: d.positives ?? zeros(logNegatives) },
    })),
});

const softplusOp = defineMultiOp({
  name: "contrastiveSoftplus",
  infer: ({ thresholds, ...inputs }: Inputs & { thresholds: Tensor }, options: Options) => {
    const plan = infer(inputs, options);
    checkDType(options.who, "f32", { thresholds });
    checkShapeIs(options.who, "thresholds", thresholds, [plan.rows], "for each anchor");
    return plan;
  },
  forward: (inputs, plan) => {
    const vector = f32([plan.rows]);
    const sources = [...listed(inputs), inputs.thresholds];
    const [sums, slopes] = run(contrastiveSoftplusKernel, paramsOf(plan), sources, [vector, vector]);
    if (!sums || !slopes) throw new RangeError("contrastiveSoftplus: no outputs");
    return { outputs: { sums }, saved: { ...inputs, slopes } };
  },
  // G_ia = -dsums_i / (1 + e^(s_ia - t_i)) for a in P(i),   dt_i = dsums_i sum_P 1 / (1 + e^(s_ip - t_i)) = dsums_i slopes_i
  backward: ({ slopes, thresholds, ...inputs }, { sums }, plan) => {
    const dSums = sums ?? zeros(slopes);
    return {
      ...gradients(inputs, plan, pullForm.softplus, () => {
        const [a, m] = [zeros(slopes), neg(dSums)];
        return { nu: thresholds, pi: thresholds, a, b: a, m };
      }),
      thresholds: () => thresholdsGradientOp({ ...inputs, thresholds, slopes, dSums }, null),
    };
  },
});

/** Zeros of the shape of x, which is finite. */
const zeros = (x: Tensor): Tensor => mul(x, 0);

/**
 * For each anchor i: `logAll` = log of the sum of e^s over A(i), and `positives` = the sum of s over P(i), both [R]. The
 * log of an empty sum is -3e38. Can be differentiated once, by anchors and contrast set. Throws ShapeError for shapes
 * that do not fit, DTypeError for other element types, ValueError unless the temperature is finite and > 0.
 */
export function contrastiveSums(
  pairs: ContrastivePairs,
  temperature: number,
): { readonly logAll: Tensor; readonly positives: Tensor } {
  const who = "contrastiveSums";
  return scope(() =>
    onPairs(who, pairs, (inputs, symmetric) => sumsOp(inputs, { who, temperature, symmetric })),
  );
}

/**
 * As {@link contrastiveSums}, with a sum of exponentials for N(i) and one for P(i): `logNegatives`, `logPositives` and
 * `positives`, all [R].
 */
export function contrastiveSplitSums(
  pairs: ContrastivePairs,
  temperature: number,
): { readonly logNegatives: Tensor; readonly logPositives: Tensor; readonly positives: Tensor } {
  const who = "contrastiveSplitSums";
  return scope(() =>
    onPairs(who, pairs, (inputs, symmetric) => splitSumsOp(inputs, { who, temperature, symmetric })),
  );
}

/**
 * For each anchor i the sum over P(i) of log(1 + e^(t_i - s)), of shape [R], for thresholds t [R]: with the log of the
 * sum of e^s over N(i) as t_i, the losses of the pairs (i, p) whose only positive is p. Can be differentiated once, by
 * thresholds too. Arguments and errors otherwise as for {@link contrastiveSums}.
 */
export function contrastiveSoftplus(
  pairs: ContrastivePairs,
  thresholds: Tensor,
  temperature: number,
): Tensor {
  const who = "contrastiveSoftplus";
  return scope(() =>
    onPairs(who, pairs, (inputs, symmetric) =>
      softplusOp({ ...inputs, thresholds }, { who, temperature, symmetric }),
    ),
  ).sums;
}
