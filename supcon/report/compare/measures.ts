/** What runs are compared by. */
import type { ComparedRun, Group } from "./groups.ts";

/** A figure of a run. */
export interface Measure {
  /** Head of its column. */
  readonly head: string;
  /** Title of its chart, and what stands at its axis. */
  readonly title: string;
  readonly unit: string;
  /** Undefined where a run does not have it. */
  readonly of: (run: ComparedRun) => number | undefined;
  /** What the axis counts in, and the table's digits. */
  readonly isShare: boolean;
}

const accuracy = (head: string, title: string, of: Measure["of"]): Measure => ({
  ...{ head, title, of },
  ...{ unit: "% of test images", isShare: true },
});

/** All measures, in the order of their columns. */
export const measures = {
  linear: accuracy("linear", "Linear classifier", ({ result }) => result.linearTop1),
  knn: accuracy("k-NN", "k-NN", ({ result }) => result.knnTop1),
  nearestMean: accuracy("class mean", "Nearest class mean", ({ result }) => result.nearestMeanTop1),
  classifier: accuracy("of stage 1", "Classifier of stage 1", ({ result }) => result.classifierTop1),
  fineTuned: accuracy("fine-tuned", "Fine-tuned", ({ evaluation }) => evaluation?.fineTuned?.top1),
  ece: {
    ...{ head: "ECE", title: "Calibration error (linear)", unit: "ECE", isShare: false },
    of: ({ result }) => result.ece,
  },
  corruption: {
    ...{ head: "damaged", title: "Mean error on damaged images", unit: "% wrong", isShare: true },
    of: ({ evaluation }) => evaluation?.corruptions?.meanError,
  },
  seconds: {
    ...{ head: "time", title: "Time", unit: "seconds", isShare: false },
    of: ({ result }) => result.seconds,
  },
} as const satisfies Readonly<Record<string, Measure>>;

/** Name of a measure. */
export type MeasureName = keyof typeof measures;

const isMeasureName = (name: string): name is MeasureName => Object.hasOwn(measures, name);

/** A measure over the seeds of a group. */
export interface Spread {
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation of the sample; undefined of a single run. */
  readonly deviation: number | undefined;
}

/** Mean and standard deviation of some numbers. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    values,
    mean,
    deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : undefined,
  };
}

/** A group's spread; undefined unless all of its runs have the measure. */
export function measure(name: MeasureName, { runs }: Group): Spread | undefined {
  const values = runs.map(measures[name].of).filter((value) => value !== undefined);
  return values.length === runs.length ? spreadOf(values) : undefined;
}

/** Those of the measures that any group has. */
export const presentMeasures = (groups: readonly Group[]): MeasureName[] =>
  Object.keys(measures)
    .filter(isMeasureName)
    .filter((name) => groups.some((group) => measure(name, group)));

/** 97.55 ± 0.11 %. Times have no deviation: it is the machine's. */
export function formatSpread(name: MeasureName, { mean, deviation }: Spread): string {
  if (name === "seconds") return `${mean.toFixed(0)} s`;
  const { isShare } = measures[name];
  const digits = (value: number) => (isShare ? (100 * value).toFixed(2) : value.toFixed(4));
  const spread = deviation === undefined ? "" : ` ± ${digits(deviation)}`;
  return `${digits(mean)}${spread}${isShare ? " %" : ""}`;
}
