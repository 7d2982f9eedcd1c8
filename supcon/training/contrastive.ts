/** The contrastive losses by name, called alike: what a training command chooses from. */
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, reshape, transpose } from "../../kernels/index.ts";
import type { Linear } from "../../nn/index.ts";
import { balancedLoss, maxMarginLoss, nPairsLoss } from "../losses/index.ts";
import { parametricLoss, supConLoss, tripletLoss } from "../losses/index.ts";
import type { ParametricOptions, Queue, SupConOptions } from "../losses/index.ts";

/** The names. */
export const contrastiveLosses = [
  ...(["supcon", "simclr", "n-pairs", "triplet", "triplet-margin"] as const),
  ...(["max-margin", "balanced", "parametric", "bpaco"] as const),
] as const;

/** Name of a contrastive loss. */
export type ContrastiveLoss = (typeof contrastiveLosses)[number];

/** The temperature of each where none is given; it means nothing to losses with a margin. */
export const defaultTemperatures = {
  supcon: 0.1,
  simclr: 0.5,
  "n-pairs": 1,
  triplet: 0.1,
  "triplet-margin": 0.1,
  "max-margin": 0.1,
  balanced: 0.1,
  parametric: 0.2,
  bpaco: 0.2,
} as const satisfies Record<ContrastiveLoss, number>;

/** The options of `supConLoss` that are settings, not data. */
const settings = [
  ...(["summation", "denominator", "contrastMode"] as const),
  ...(["positivesCap", "scale", "emptyAnchors"] as const),
] as const;

type Settings = Pick<SupConOptions, (typeof settings)[number]>;

/** These alone of more options. */
export const settingsOf = (options: ContrastiveOptions): Settings =>
  Object.fromEntries(
    settings.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );

/** Which loss, and how. */
export interface ContrastiveOptions extends Settings {
  /** Default supcon. */
  readonly loss?: ContrastiveLoss;
  /** Default: see {@link defaultTemperatures}. */
  readonly temperature?: number | undefined;
  /** Of the losses with a margin; default their own. */
  readonly margin?: number | undefined;
}

/** What a loss may need beside a batch. */
export interface LossContext {
  /** A vector for each class, as a layer from projections to logits; for the losses in {@link needsCentres}. */
  readonly centres: Linear | null;
  /** How often each class occurs in the training set. */
  readonly classCounts: readonly number[];
  /** Keys of earlier batches; for the losses in {@link takesQueue}. */
  readonly queue: Queue | undefined;
  /** Other views of the batch by another encoder, [N, W, D], to compare with in place of the batch itself. */
  readonly keys: Tensor | null;
}

/** The losses that learn a vector for each class. */
export const needsCentres = (loss: ContrastiveLoss): boolean =>
  loss === "balanced" || loss === "parametric" || loss === "bpaco";

/** The losses that keys of earlier batches can be given to. */
export const takesQueue = (loss: ContrastiveLoss): boolean =>
  takesKeys(loss) || loss === "parametric" || loss === "bpaco";

/** The losses that can compare a batch with another encoder's keys. */
export const takesKeys = (loss: ContrastiveLoss): boolean => loss === "supcon" || loss === "simclr";

/** The loss of projections [N, V, D] with a label for each of N samples. Throws as the loss does. */
export function contrastiveLoss(
  projections: Tensor,
  labels: Int32Array,
  options: ContrastiveOptions,
  { centres, classCounts, queue, keys }: LossContext,
): Tensor {
  const { loss = "supcon", temperature = defaultTemperatures[loss], margin } = options;
  const withQueue = queue ? { queue } : {};
  const withMargin = margin === undefined ? {} : { margin };
  switch (loss) {
    case "supcon":
    case "simclr": {
      // Without labels each sample is a class of its own.
      const own = loss === "supcon" ? labels : labels.map((_, i) => i);
      const contrast = keys ? { contrast: { features: keys, labels: own } } : {};
      return supConLoss(projections, own, { ...settingsOf(options), ...withQueue, ...contrast, temperature });
    }
    case "n-pairs":
      return nPairsLoss(projections, labels, { temperature });
    case "triplet":
      return tripletLoss(projections, labels, { form: "softplus", temperature });
    case "triplet-margin":
      return tripletLoss(projections, labels, { form: "margin", ...withMargin });
    case "max-margin":
      return maxMarginLoss(projections, labels, withMargin);
    case "balanced":
      return balanced(projections, labels, known(centres), temperature);
    case "parametric":
      return parametric(projections, labels, known(centres), { temperature, classCounts, ...withQueue });
    // Balanced parametric: with cross-entropy, which the form "joint" adds, 1 to 0.25 (Zhou et al., MICCAI 2024).
    case "bpaco":
      return scope(() => {
        const options = { temperature, classCounts, alpha: 1, ...withQueue };
        return add(
          parametric(projections, labels, known(centres), options),
          balanced(projections, labels, known(centres), temperature),
        );
      });
    default:
      return loss satisfies never;
  }
}

const balanced = (z: Tensor, labels: Int32Array, centres: Linear, temperature: number): Tensor =>
  scope(() => balancedLoss(z, labels, transpose(centres.weight), { temperature }));

const parametric = (z: Tensor, labels: Int32Array, centres: Linear, options: ParametricOptions): Tensor =>
  scope(() => parametricLoss(z, labels, centres.forward(reshape(z, [-1, z.shape.at(-1) ?? 0])), options));

function known(centres: Linear | null): Linear {
  if (centres) return centres;
  throw new ValueError("contrastiveLoss: expected class centres for this loss, got none");
}
