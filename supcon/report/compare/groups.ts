/** Runs that differ only by their seed, together. */
import { resolve } from "node:path";
import { ValueError } from "../../../engine/errors.ts";
import type { Evaluation } from "../../run/evaluation.ts";
import type { Metrics } from "../../run/metrics.ts";
import type { TrainResult } from "../../run/result.ts";

type OptionValue = string | number | boolean | undefined;

/** What a comparison looks at. */
export interface ComparedRun {
  readonly folder: string;
  /** Its options, by their names in camel case. */
  readonly config: Readonly<Record<string, OptionValue>>;
  readonly result: TrainResult;
  readonly metrics: readonly Metrics[];
  readonly evaluation: Evaluation | undefined;
}

/** Runs of the same options. */
export interface Group {
  readonly name: string;
  readonly runs: readonly [ComparedRun, ...ComparedRun[]];
}

/** Options that do not tell groups apart: a preset only stands for others. */
const notTelling = ["seed", "preset"];

/**
 * Groups in the order of their first runs, named by the options in which they differ, as they stand on the command line.
 * Throws ValueError for a run that is given twice, and for runs on different data sets.
 */
export function groupBySeed(runs: readonly ComparedRun[]): Group[] {
  refuseIncomparable(runs);
  const byOptions = new Map<string, [ComparedRun, ...ComparedRun[]]>();
  for (const run of runs) {
    const key = JSON.stringify(optionsOf(run));
    const group = byOptions.get(key);
    if (group) group.push(run);
    else byOptions.set(key, [run]);
  }
  const groups = [...byOptions.values()].map((ofGroup) => ({ name: "(all runs)", runs: ofGroup }));
  if (groups.length === 1) return groups;
  const own = differences(groups);
  return groups.map((group, i) => ({ ...group, name: nameOf(own[i] ?? []) }));
}

function refuseIncomparable(runs: readonly ComparedRun[]): void {
  const [first] = runs;
  const seen = new Set<string>();
  for (const run of runs) {
    const path = resolve(run.folder);
    if (seen.has(path)) throw new ValueError(`compare: expected each run once, got ${run.folder} twice`);
    seen.add(path);
    if (first && run.config.data !== first.config.data) {
      throw new ValueError(
        `compare: expected runs on one data set, got ${String(first.config.data)} in ${first.folder} and ${String(run.config.data)} in ${run.folder}`,
      );
    }
  }
}

/** In the order of names; the backend that "auto" came to, and nothing that is not set. */
const optionsOf = ({ config, result: { backend } }: ComparedRun): [string, OptionValue][] =>
  Object.entries<OptionValue>({ ...config, backend })
    .filter(([name, value]) => !notTelling.includes(name) && value !== undefined && value !== false)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** The options that are not the same in all groups: those of each group. */
function differences(groups: readonly Group[]): [string, OptionValue][][] {
  const options = groups.map(({ runs: [run] }) => optionsOf(run));
  const isEverywhere = ([name, value]: [string, OptionValue]) =>
    options.every((own) => own.some(([other, same]) => other === name && same === value));
  return options.map((own) => own.filter((option) => !isEverywhere(option)));
}

/** As on the command line. */
function nameOf(options: readonly [string, OptionValue][]): string {
  const words = options.map(([name, value]) => {
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? option : `${option} ${String(value)}`;
  });
  return words.join(" ") || "(without)";
}

/** The one option in which groups differ, with the number that each of them has there; undefined where there is none. */
export function varied(
  groups: readonly Group[],
): { readonly option: string; readonly values: readonly number[] } | undefined {
  const options = differences(groups);
  const names = new Set(options.flatMap((own) => own.map(([name]) => name)));
  const [option, ...others] = names;
  if (option === undefined || others.length > 0) return undefined;
  const values = options.flatMap((own) => own.map(([, value]) => value));
  const isNumeric = values.length === groups.length && values.every((value) => typeof value === "number");
  return isNumeric ? { option, values } : undefined;
}
