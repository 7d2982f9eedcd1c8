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
    const key = JSON.stringify(tellingOptions(run));
    const group = byOptions.get(key);
    if (group) group.push(run);
    else byOptions.set(key, [run]);
  }
  const groups = [...byOptions.values()].map((ofGroup) => ({ name: "", runs: ofGroup }));
  const differing = differingOptions(groups);
  return groups.map((group) => ({ ...group, name: nameOf(group, differing) }));
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

/** By name, and in the order of names. */
const tellingOptions = ({ config }: ComparedRun): [string, OptionValue][] =>
  Object.entries(config)
    .filter(([name, value]) => !notTelling.includes(name) && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Names of the options that are not the same in all groups. */
export function differingOptions(groups: readonly Group[]): string[] {
  const options = groups.map(({ runs: [run] }) => new Map(tellingOptions(run)));
  const names = new Set(options.flatMap((each) => [...each.keys()]));
  return [...names].filter((name) => new Set(options.map((each) => each.get(name))).size > 1);
}

/** What a group without any of the differing options is called. */
const withoutOptions = "(without)";

function nameOf({ runs: [{ config }] }: Group, differing: readonly string[]): string {
  if (differing.length === 0) return "(all runs)";
  const words = differing.flatMap((name) => {
    const value = config[name];
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === undefined || value === false ? [] : [value === true ? option : `${option} ${String(value)}`]; // prettier-ignore
  });
  return words.join(" ") || withoutOptions;
}

/** The one option in which groups differ, with the number that each of them has there; undefined where there is none. */
export function varied(
  groups: readonly Group[],
): { readonly option: string; readonly values: readonly number[] } | undefined {
  const [option, ...others] = differingOptions(groups);
  if (option === undefined || others.length > 0) return undefined;
  const values = groups.map(({ runs: [{ config }] }) => config[option]);
  return values.every((value) => typeof value === "number") ? { option, values } : undefined;
}
