/** Who is compared with whom: all that labels and shapes tell of a loss, without a look at the features. */
import { BackendError, DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { Tensor } from "../../engine/tensor.ts";
import type { Indices } from "../../kernels/index.ts";
import type { ResolvedOptions } from "./options.ts";
import { usesRelations } from "./options.ts";
import { relationsOf } from "./relations.ts";
import type { Relations } from "./relations.ts";

/** Rows, by class and name. */
export interface Side {
  /** The class of each row, numbered from 0; -1 for what is a negative of all. */
  readonly classes: Int32Array;
  /** A row's name: an anchor and a row of the contrast set that share it are one, and not compared. */
  readonly names: Int32Array;
}

/** The anchors of a loss and what they are compared with. */
export interface Comparison {
  readonly anchors: Side;
  /** The parts of the contrast set: the batch (or what stands in its place), and the queue. */
  readonly contrast: readonly Side[];
  /** |P(i)| and |N(i)| of each anchor. */
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
  /** Where classes do not tell all: positives and denominators one by one. */
  readonly relations: Relations | undefined;
}

/** Names of anchors that are not in the contrast set, and of keys in a queue. Rows have names from 0 on. */
const ELSEWHERE = -1;
const KEY = -2;

/** Samples, their views and their labels. */
export interface Batch {
  /** What they are, for messages. */
  readonly of: string;
  readonly samples: number;
  readonly views: number;
  readonly labels: Indices | null | undefined;
}

/** Reads [M, D] or [N, V, D]. Throws ShapeError for other shapes. */
export function batchOf(who: string, name: string, shape: Shape, labels: Indices | null | undefined): Batch {
  const [samples = 0, second = 0, third] = shape;
  if (shape.length < 2 || shape.length > 3 || shape.at(-1) === 0) {
    throw new ShapeError(
      `${who}: expected ${name} [M, D] or [N, V, D] with D > 0, got shape ${formatShape(shape)}`,
    );
  }
  return {
    of: `${name} ${formatShape(shape)}`,
    samples,
    views: third === undefined ? 1 : second,
    labels,
  };
}

/** Throws as `supConLoss`, for everything but features. */
export function compare(who: string, batch: Batch, options: ResolvedOptions): Comparison {
  const { samples, views, labels, of } = batch;
  const { contrast, queue, contrastMode, mask } = options;
  if (mask && labels != null) {
    throw new ValueError(`${who}: expected labels or a mask, got both; give null as labels`);
  }
  if (contrast && labels == null) {
    throw new ValueError(
      `${who}: expected labels where there is a contrast set, got none; number the samples`,
    );
  }
  if (labels == null && queue?.labels != null) {
    throw new ValueError(`${who}: expected labels of the batch where the queue has some, got none`);
  }
  const numbers = new Map<number, number>();
  const own = hostLabels(who, labels ?? Array.from({ length: samples }, (_, i) => i), samples, of);
  const classes = classesOf(who, own, views, numbers);
  const positions = Int32Array.from(classes, (_, i) => i);

  const parts: Side[] = [];
  if (contrast) {
    const others = batchOf(who, "contrast.features", contrast.features.shape, contrast.labels);
    const labelsOfOthers = hostLabels(who, contrast.labels, others.samples, others.of);
    const classesOfOthers = classesOf(who, labelsOfOthers, others.views, numbers);
    parts.push({ classes: classesOfOthers, names: Int32Array.from(classesOfOthers, (_, i) => i) });
  } else {
    parts.push({ classes, names: positions });
  }
  if (queue) {
    const [keys = 0] = queue.keys.shape;
    const ofKeys =
      queue.labels == null
        ? new Int32Array(keys).fill(-1)
        : classesOf(
            who,
            hostLabels(who, queue.labels, keys, `queue.keys ${formatShape(queue.keys.shape)}`),
            1,
            numbers,
          );
    parts.push({ classes: ofKeys, names: new Int32Array(keys).fill(KEY) });
  }

  const offset = contrast ? offsetOf(who, contrast, parts[0]?.names.length ?? 0, classes.length) : 0;
  const chosen = contrastMode === "all" ? positions : positions.filter((i) => i % views === 0);
  const anchors = {
    classes: chosen.map((i) => classes[i] ?? -1),
    names: chosen.map((i) => (offset === undefined ? ELSEWHERE : offset + i)),
  };
  const total = parts.reduce((count, { names }) => count + names.length, 0);
  if (chosen.length === 0 || total - (offset === undefined ? 0 : 1) < 1) {
    throw new ValueError(
      `${who}: expected at least 2 anchors, got ${chosen.length}; an anchor alone has nothing to be compared with`,
    );
  }
  const relations = usesRelations(options) ? relationsOf(who, own, views, chosen, options) : undefined;
  return { anchors, contrast: parts, relations, ...(relations ?? sizes(anchors, parts)) };
}

/** |P(i)| and |N(i)| from the sizes of classes. */
function sizes(anchors: Side, parts: readonly Side[]): Pick<Comparison, "positives" | "negatives"> {
  const members = new Map<number, number>();
  let total = 0;
  for (const { classes } of parts) {
    for (const each of classes) members.set(each, (members.get(each) ?? 0) + 1);
    total += classes.length;
  }
  const itself = anchors.names.map((name) => (name === ELSEWHERE ? 0 : 1));
  const positives = anchors.classes.map((each, i) => (members.get(each) ?? 0) - (itself[i] ?? 0));
  return { positives, negatives: positives.map((p, i) => total - (itself[i] ?? 0) - p) };
}

/** Whether the loss of an anchor is defined, for all of them. */
export const definedAnchors = (
  { positives, negatives }: Pick<Comparison, "positives" | "negatives">,
  { denominator }: Pick<ResolvedOptions, "denominator">,
): boolean[] =>
  Array.from(positives, (p, i) => p > 0 && (denominator !== "negatives" || (negatives[i] ?? 0) > 0));

/** By how many the sum over anchors is divided. Throws ValueError where the policy refuses the batch. */
export function countedAnchors(who: string, defined: readonly boolean[], options: ResolvedOptions): number {
  const { emptyAnchors, denominator } = options;
  const total = defined.length;
  const empty = defined.filter((each) => !each).length;
  const wanted = denominator === "negatives" ? "a positive and a negative" : "a positive";
  if (emptyAnchors === "error" && empty > 0) {
    throw new ValueError(
      `${who}: expected ${wanted} for every anchor, got ${empty} of ${total} anchors without one; ` +
        `use two views, batches with several samples of a class, or emptyAnchors "zero" or "skip"`,
    );
  }
  if (emptyAnchors === "skip" && empty === total) {
    throw new ValueError(
      `${who}: expected an anchor with ${wanted} where emptyAnchors is "skip", got none among ${total}; ` +
        `use two views, or batches with several samples of a class`,
    );
  }
  return emptyAnchors === "skip" ? total - empty : total;
}

/** The number of each row's class: that of its sample's label. Equal labels have equal numbers. */
function classesOf(
  who: string,
  labels: ArrayLike<number>,
  views: number,
  numbers: Map<number, number>,
): Int32Array {
  const ofSamples = Array.from(labels, (label, i) => {
    if (!Number.isInteger(label)) {
      throw new DTypeError(`${who}: expected integers as labels, got ${label} at position ${i}`);
    }
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    return number;
  });
  return Int32Array.from(
    { length: ofSamples.length * views },
    (_, i) => ofSamples[Math.floor(i / views)] ?? -1,
  );
}

function offsetOf(
  who: string,
  { offset }: { readonly offset?: number },
  rows: number,
  anchors: number,
): number | undefined {
  if (offset === undefined) return undefined;
  if (Number.isInteger(offset) && offset >= 0 && offset + anchors <= rows) return offset;
  throw new ValueError(
    `${who}: expected contrast.offset to be where the ${anchors} anchors begin among the ${rows} rows, got ${offset}`,
  );
}

/** Labels as numbers, one for each sample. Throws ShapeError for another number, else as {@link compare}. */
export function hostLabels(who: string, labels: Indices, samples: number, of: string): ArrayLike<number> {
  const shape = labels instanceof Tensor ? labels.shape : [labels.length];
  if (shape.length !== 1 || shape[0] !== samples) {
    throw new ShapeError(
      `${who}: expected labels [${samples}], one for each sample of ${of}, got ${formatShape(shape)}`,
    );
  }
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
