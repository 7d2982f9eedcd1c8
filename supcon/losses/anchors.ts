import { BackendError, DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { formatShape } from "../../engine/shape.ts";
import { Tensor } from "../../engine/tensor.ts";
import type { Indices } from "../../kernels/index.ts";
import type { EmptyAnchors } from "./options.ts";

/** The anchors of a batch: every view of every sample, sample by sample. All of it is known from the labels alone. */
export interface Anchors {
  /** The class of each anchor, numbered 0 ... classes-1 in order of appearance. */
  readonly classes: Int32Array;
  readonly classCount: number;
  /** |P(i)|: the other anchors of the same class. */
  readonly positives: Int32Array;
  /** Anchors without positives. */
  readonly empty: number;
}

/**
 * The anchors of N samples with `views` views each. Throws ValueError for fewer than two anchors, DTypeError for labels
 * that are no integers, BackendError for a tensor of labels whose elements cannot be read at once.
 */
export function anchorsOf(who: string, labels: Indices, views: number): Anchors {
  const own = hostLabels(who, labels);
  if (own.length * views < 2) {
    throw new ValueError(
      `${who}: expected at least 2 anchors, got ${own.length * views}; an anchor alone has nothing to be compared with`,
    );
  }
  const numbers = new Map<number, number>();
  const sizes: number[] = [];
  const classOfSample = Array.from(own, (label, i) => {
    if (!Number.isInteger(label)) {
      throw new DTypeError(`${who}: expected integers as labels, got ${label} at position ${i}`);
    }
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    sizes[number] = (sizes[number] ?? 0) + views;
    return number;
  });
  const classes = Int32Array.from(
    { length: own.length * views },
    (_, i) => classOfSample[Math.floor(i / views)] ?? 0,
  );
  const positives = classes.map((number) => (sizes[number] ?? 0) - 1);
  const empty = positives.reduce((count, p) => count + (p === 0 ? 1 : 0), 0);
  return { classes, classCount: numbers.size, positives, empty };
}

/** The anchors of features [M, D] or [N, V, D]. Without labels each sample is a class of its own. */
export function anchorsOfFeatures(
  who: string,
  features: Tensor,
  labels: Indices | null | undefined,
): Anchors {
  const { shape } = features;
  const [samples = 0, second = 0, third] = shape;
  if (shape.length < 2 || shape.length > 3 || shape.at(-1) === 0) {
    throw new ShapeError(
      `${who}: expected features [M, D] or [N, V, D] with D > 0, got shape ${formatShape(shape)}`,
    );
  }
  const views = third === undefined ? 1 : second;
  if (labels == null && views < 2) {
    throw new ShapeError(
      `${who}: expected features [N, V, D] with V >= 2 where there are no labels, got shape ${formatShape(shape)}; ` +
        `the positives are then the other views`,
    );
  }
  const own = labels ?? Int32Array.from({ length: samples }, (_, i) => i);
  const labelShape = own instanceof Tensor ? own.shape : [own.length];
  if (labelShape.length !== 1 || labelShape[0] !== samples) {
    throw new ShapeError(
      `${who}: expected labels [${samples}], one for each sample of features ${formatShape(shape)}, ` +
        `got ${formatShape(labelShape)}`,
    );
  }
  return anchorsOf(who, own, views);
}

/** By how many the sum over anchors is divided. Throws ValueError where the policy refuses the batch. */
export function countedAnchors(who: string, { positives, empty }: Anchors, policy: EmptyAnchors): number {
  const total = positives.length;
  if (policy === "error" && empty > 0) {
    throw new ValueError(
      `${who}: expected a positive for every anchor, got ${empty} of ${total} anchors without one; ` +
        `use two views, batches with several samples of a class, or emptyAnchors "zero" or "skip"`,
    );
  }
  if (policy === "skip" && empty === total) {
    throw new ValueError(
      `${who}: expected an anchor with a positive where emptyAnchors is "skip", got none among ${total}; ` +
        `use two views, or batches with several samples of a class`,
    );
  }
  return policy === "skip" ? total - empty : total;
}

function hostLabels(who: string, labels: Indices): ArrayLike<number> {
  if (!(labels instanceof Tensor)) return labels;
  labels.checkAlive(who);
  if (labels.dtype !== "i32") {
    throw new DTypeError(`${who}: expected i32 for labels, got ${labels.dtype}`);
  }
  const values = labels.backend.peek?.(labels.buffer);
  if (values) return values;
  throw new BackendError(
    `${who}: expected labels on the host, got a tensor on ${labels.backend.name}, which cannot be read at once; ` +
      `pass an Int32Array`,
  );
}
