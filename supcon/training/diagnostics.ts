import { noGrad } from "../../engine/autograd.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, sub } from "../../kernels/index.ts";
import { globalNorm } from "../../nn/index.ts";
import {
  collapseWarning,
  embeddingDiagnostics,
  neighbourAccuracy,
  supConDiagnostics,
} from "../losses/index.ts";
import type { SupConDiagnostics } from "../losses/index.ts";
import { defaultTemperatures, settingsOf, takesKeys } from "./contrastive.ts";
import type { ObjectiveOptions, Views } from "./objective.ts";

/** What is looked at once in an epoch, at its last step; what a form or loss has not is missing. */
export interface StepDiagnostics {
  /** Lengths of all gradients, and of what the optimiser changed, as one vector each. */
  readonly gradientNorm: number;
  readonly updateNorm: number;
  /** What the labels of the batch alone say of the loss; see `supConDiagnostics`. */
  readonly lossFloor?: number;
  readonly lossCeiling?: number;
  readonly emptyAnchors?: number;
  /** What the embeddings look like; see `embeddingDiagnostics`. */
  readonly alignment?: number;
  readonly uniformity?: number;
  readonly positiveHardness?: number;
  readonly negativeHardness?: number;
  /** How well the batch classifies itself; see `neighbourAccuracy`. */
  readonly neighbourAccuracy?: number;
  /** What to do where the embeddings have collapsed. */
  readonly warning?: string;
}

/** Runs an optimiser's step. Returns the norms of gradients and of the change. */
export function measuredStep(
  parameters: readonly Tensor[],
  step: () => void,
): { readonly gradientNorm: Tensor; readonly updateNorm: Tensor } {
  return noGrad(() =>
    scope(() => {
      const gradientNorm = globalNorm(parameters.flatMap(({ grad }) => (grad ? [grad] : [])));
      const before = parameters.map((parameter) => add(parameter, 0));
      step();
      const changes = before.map((old, i) => sub(parameters[i] ?? old, old));
      return { gradientNorm, updateNorm: globalNorm(changes) };
    }),
  );
}

/** What can be said of a batch, its projections [N, V, D] on the host, and the loss. */
export function diagnose(
  { labels, views }: Views,
  projections: ArrayLike<number> | null,
  loss: number,
  options: Omit<ObjectiveOptions, "classCounts" | "random">,
): Omit<StepDiagnostics, "gradientNorm" | "updateNorm"> {
  const { loss: name = "supcon", keyMomentum } = options;
  const { temperature = defaultTemperatures[name], summation = "out" } = options;
  if (!projections) return {};
  const seen = projections.length / labels.length;
  const own = name === "simclr" ? labels.map((_, i) => i) : labels;
  const width = seen / (keyMomentum === undefined ? views : 1);
  const look = { width, views: seen / width, temperature, summation };
  const { alignment, uniformity, positiveHardness, negativeHardness } = embeddingDiagnostics(
    projections,
    own,
    look,
  );
  const nearest = neighbourAccuracy(projections, labels, look);
  // First views alone have no positives among each other, where keys are another encoder's.
  const shape = {
    ...(Number.isFinite(alignment) && { alignment }),
    ...(Number.isFinite(uniformity) && { uniformity }),
    ...(Number.isFinite(positiveHardness) && { positiveHardness, negativeHardness }),
    ...(Number.isFinite(nearest) && { neighbourAccuracy: nearest }),
  };
  const bounds = lossBounds(labels, views, options);
  if (!bounds) return shape;
  const warning = collapseWarning(loss, bounds);
  return {
    ...shape,
    lossFloor: bounds.floor,
    lossCeiling: bounds.ceiling,
    emptyAnchors: bounds.emptyAnchors,
    ...(warning !== null && { warning }),
  };
}

/** The range of a batch's loss; null where the loss is not supcon's or simclr's, or more than the batch decides it. */
export function lossBounds(
  labels: Int32Array,
  views: number,
  options: Omit<ObjectiveOptions, "classCounts" | "random">,
): SupConDiagnostics | null {
  const { loss = "supcon", form = "two-stage", queue = 0, keyMomentum } = options;
  if (!takesKeys(loss) || form !== "two-stage" || queue > 0 || keyMomentum !== undefined) return null;
  const { temperature = defaultTemperatures[loss] } = options;
  const own = loss === "simclr" ? labels.map((_, i) => i) : labels;
  return supConDiagnostics(own, views, { ...settingsOf(options), temperature });
}
