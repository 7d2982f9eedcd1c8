/** Positives one by one, where a mask or a cap decides about them. */
import { ShapeError, ValueError } from "../../engine/errors.ts";
import type { ResolvedOptions } from "./options.ts";

/** For each anchor (rows) and each row of the batch (columns), row by row. */
export interface Relations {
  /** How much a row counts as a positive of an anchor; 0 for all others. */
  readonly weights: Float64Array;
  /** 1 for the rows in A(i), 0 for the anchor itself and for what the cap drops. */
  readonly others: Float64Array;
  /** |P(i)| and |N(i)|. */
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}

/**
 * Relations of anchors, given by their positions among the rows, sample by sample. Throws ShapeError for a mask of
 * another shape, ValueError for weights that are negative or not finite, or a cap that is no multiple of V.
 */
export function relationsOf(
  who: string,
  labels: ArrayLike<number>,
  views: number,
  anchors: Int32Array,
  { mask, positivesCap }: Pick<ResolvedOptions, "mask" | "positivesCap">,
): Relations {
  const samples = labels.length;
  if (mask) checkMask(who, mask, samples);
  if (positivesCap < Infinity && positivesCap % views !== 0) {
    throw new ValueError(
      `${who}: expected positivesCap to be a multiple of the ${views} views, got ${positivesCap}; ` +
        `samples are kept with all of their views`,
    );
  }
  const weightOf = (i: number, j: number): number =>
    mask ? (mask[i]?.[j] ?? 0) : labels[i] === labels[j] ? 1 : 0;
  const rows = samples * views;
  const weights = new Float64Array(anchors.length * rows);
  const others = new Float64Array(anchors.length * rows);
  const positives = new Int32Array(anchors.length);
  const negatives = new Int32Array(anchors.length);
  anchors.forEach((anchor, line) => {
    const sample = Math.floor(anchor / views);
    let kept = 0;
    for (let other = 0; other < samples; other++) {
      const weight = weightOf(sample, other);
      // A tie between samples is decided by their order in the batch, as Google's code does.
      const isCapped = weight > 0 && other !== sample && (kept += views) > positivesCap;
      if (isCapped) continue;
      for (let row = other * views; row < (other + 1) * views; row++) {
        if (row === anchor) continue;
        weights[line * rows + row] = weight;
        others[line * rows + row] = 1;
        if (weight > 0) positives[line] = (positives[line] ?? 0) + 1;
        else negatives[line] = (negatives[line] ?? 0) + 1;
      }
    }
  });
  return { weights, others, positives, negatives };
}

function checkMask(who: string, mask: readonly (readonly number[])[], samples: number): void {
  const lengths = [mask.length, ...mask.map((row) => row.length)];
  const wrong = lengths.find((length) => length !== samples);
  if (wrong !== undefined) {
    throw new ShapeError(`${who}: expected a mask [${samples}, ${samples}], got one with a side of ${wrong}`);
  }
  for (const weight of mask.flat()) {
    if (weight >= 0 && weight < Infinity) continue;
    throw new ValueError(`${who}: expected weights from 0 on in the mask, got ${weight}`);
  }
}

/** What classes alone say, in the same form: `columns` is the contrast set. For the composed loss. */
export function relationsOfClasses(
  anchors: { readonly classes: Int32Array; readonly names: Int32Array },
  columns: { readonly classes: ArrayLike<number>; readonly names: ArrayLike<number> },
): Pick<Relations, "weights" | "others"> {
  const size = columns.names.length;
  const weights = new Float64Array(anchors.names.length * size);
  const others = new Float64Array(anchors.names.length * size);
  anchors.names.forEach((name, line) => {
    for (let column = 0; column < size; column++) {
      if (columns.names[column] === name) continue;
      others[line * size + column] = 1;
      if (columns.classes[column] === anchors.classes[line]) weights[line * size + column] = 1;
    }
  });
  return { weights, others };
}
