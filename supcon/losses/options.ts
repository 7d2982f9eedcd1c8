import { ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { Indices } from "../../kernels/index.ts";
import { checkPositive } from "../../nn/check.ts";

/**
 * A factor on the loss, which changes its value and its gradient and nothing else: learning rates of different
 * implementations are comparable after multiplying by it. `"none"`: 1, as in equation 2; `"temperature"`: tau, as in
 * Google's code; `{ base }`: tau / base, as in SupContrast (base 0.07).
 */
export type LossScale = "none" | "temperature" | { readonly base: number };

/**
 * What becomes of an anchor whose loss is not defined: one without positives, for which equation 2 is 0/0, or without
 * negatives where they alone make the denominator. It counts as 0 in the mean (`"zero"`, as in both official
 * implementations), is left out of the mean (`"skip"`), or is refused (`"error"`).
 */
export type EmptyAnchors = "zero" | "skip" | "error";

/** Keys that a batch is compared with too, as constants: no gradient reaches them. */
export interface Queue {
  /** [K, D] */
  readonly keys: Tensor;
  /** One integer for each key; a key with a label that no sample has is a negative of all. Without: all are negatives. */
  readonly labels?: Indices | null;
}

/** What anchors are compared with, in place of their own batch. The gradient reaches it; `stopGradient` keeps it away. */
export interface ContrastSet {
  /** [M, D], or [N, V, D] as the loss's features. */
  readonly features: Tensor;
  /** One integer for each sample. */
  readonly labels: Indices;
  /**
   * Where the anchors' batch begins among these rows, if it is a part of them: an anchor is not compared with itself.
   * Without, it is not: keys of another encoder.
   */
  readonly offset?: number;
}

/** Options of `supConLoss`. */
export interface SupConOptions {
  /** tau: similarities are divided by it. Default 0.1, the paper's. */
  readonly temperature?: number;
  /**
   * Where the mean over positives stands: outside of the logarithm, `"out"` (default; equation 2, L_out), or inside,
   * `"in"` (equation 3, L_in).
   */
  readonly summation?: "out" | "in";
  /**
   * What a positive's e^s is divided by: the sum over all others, `"all"` (default); over this positive and all
   * negatives, `"onePositive"` (SINCERE: positives do not repel each other); or over negatives alone, `"negatives"`.
   */
  readonly denominator?: "all" | "onePositive" | "negatives";
  /** Which views are anchors: `"all"` (default), or `"one"`, the first of each sample. All are compared with all views. */
  readonly contrastMode?: "all" | "one";
  /**
   * Most positives of an anchor beside the other views of its own sample: a multiple of V, default Infinity. Kept are all
   * views of the first samples of its class in the batch; the rest are neither positives nor in the denominator.
   */
  readonly positivesCap?: number;
  /**
   * In place of labels, [N, N]: entry (i, j) is the weight of the views of sample j as positives of those of sample i; 0
   * makes them negatives. The diagonal is for a sample's other views. Need not be symmetric. Weights are relative: the
   * mean over positives, in either loss, becomes their weighted mean.
   */
  readonly mask?: readonly (readonly number[])[];
  /** Default: the batch itself. */
  readonly contrast?: ContrastSet;
  /** Keys in addition to the batch, or to `contrast`: a memory of earlier batches, or of another encoder. */
  readonly queue?: Queue;
  /** Default `"none"`. */
  readonly scale?: LossScale;
  /** Default `"zero"`. */
  readonly emptyAnchors?: EmptyAnchors;
  /**
   * Whether rows are first brought to Euclidean length 1, those of `contrast` and `queue` too. Default true; false takes
   * them as they are; `"verify"` too, and refuses rows of another length (it reads them, so not on WebGPU).
   */
  readonly normalize?: boolean | "verify";
  /**
   * `"fused"`: kernels that never store the matrix of all pairs, differentiable once. `"composed"`: the same from plain
   * ops, readable and differentiable any number of times. `"auto"` (default): fused where the options allow it, which is
   * without `positivesCap` and `mask`, and without L_in on the denominator `"onePositive"`.
   */
  readonly implementation?: "auto" | "fused" | "composed";
}

/** The options with defaults, checked. */
export interface ResolvedOptions extends Required<Omit<SupConOptions, "mask" | "contrast" | "queue">> {
  /** The factor that `scale` stands for. */
  readonly factor: number;
  readonly mask: SupConOptions["mask"];
  readonly contrast: ContrastSet | undefined;
  readonly queue: Queue | undefined;
}

/** Values of the options that are one of a few words. */
const choices = {
  summation: ["out", "in"],
  denominator: ["all", "onePositive", "negatives"],
  contrastMode: ["all", "one"],
  emptyAnchors: ["zero", "skip", "error"],
  normalize: [true, false, "verify"],
  implementation: ["auto", "fused", "composed"],
} as const;

/** Throws ValueError, naming the option, unless its value is one of those allowed. */
export function requireOneOf(who: string, name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const list = allowed.map((each) => JSON.stringify(each)).join(", ");
  throw new ValueError(`${who}: expected ${name} among ${list}, got ${JSON.stringify(value)}`);
}

/** Fills in defaults. Throws ValueError, naming the option, for a value that is not allowed, or not beside others. */
export function resolveOptions(who: string, options: SupConOptions): ResolvedOptions {
  const { temperature = 0.1, scale = "none", positivesCap = Infinity, mask, contrast, queue } = options;
  const { summation = "out", denominator = "all", contrastMode = "all" } = options;
  const { emptyAnchors = "zero", normalize = true, implementation = "auto" } = options;
  const words = { summation, denominator, contrastMode, emptyAnchors, normalize, implementation };
  for (const [name, value] of Object.entries(words)) {
    requireOneOf(who, name, value, choices[name as keyof typeof words]);
  }
  checkPositive(who, "temperature", temperature);
  if (typeof scale === "object") checkPositive(who, "scale.base", scale.base);
  else requireOneOf(who, "scale", scale, ["none", "temperature"]);
  if (!(positivesCap >= 0 && (Number.isInteger(positivesCap) || positivesCap === Infinity))) {
    throw new ValueError(`${who}: expected positivesCap to be an integer from 0 on, got ${positivesCap}`);
  }
  const resolved = { ...words, temperature, scale, positivesCap, mask, contrast, queue };
  if (usesRelations(resolved) && (contrast ?? queue)) {
    throw new ValueError(
      `${who}: expected mask and positivesCap to stand alone, got ${contrast ? "contrast" : "queue"} beside them; ` +
        `they tell of the samples of a batch`,
    );
  }
  if (implementation === "fused" && !canBeFused(resolved)) {
    throw new ValueError(
      `${who}: expected options that can be fused, got positivesCap, a mask, or L_in on one positive; ` +
        `use implementation "auto" or "composed"`,
    );
  }
  return {
    ...resolved,
    factor: scale === "none" ? 1 : scale === "temperature" ? temperature : temperature / scale.base,
  };
}

type Some<K extends keyof ResolvedOptions> = Pick<ResolvedOptions, K>;

/** Whether more than classes decides who is a positive. */
export const usesRelations = ({ mask, positivesCap }: Some<"mask" | "positivesCap">): boolean =>
  mask !== undefined || positivesCap < Infinity;

/** Whether the fused kernels know how. */
export const canBeFused = (options: Some<"mask" | "positivesCap" | "summation" | "denominator">): boolean =>
  !usesRelations(options) && !(options.summation === "in" && options.denominator === "onePositive");
