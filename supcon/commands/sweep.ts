import { Command } from "@commander-js/extra-typings";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { formatColumns } from "../../engine/columns.ts";
import { ValueError } from "../../engine/errors.ts";
import { atomicWrite } from "../run/atomic.ts";
import { parseTrainCommand, readRunConfig } from "./options.ts";
import type { TrainCommand } from "./options.ts";
import { integer, oneLine } from "./parsers.ts";
import { isDone, runFiles } from "./run-folder.ts";
import { train } from "./train.ts";
import type { TrainResult } from "../run/result.ts";

/** The losses of the paper's tables 1 and 2, and the N-pairs loss of its text. */
const losses = [
  "--loss supcon",
  "--loss supcon --summation in",
  "--loss simclr",
  "--loss n-pairs",
  "--loss triplet",
  "--form cross-entropy",
];

const about = `Trains with several options, each with several seeds, and tells accuracies side
by side: mean and standard deviation over the seeds, on the test images, after
the last epoch.

A variant is a text of options of supcon/train.ts (--vary). Without variants
the losses are compared: ${losses.map((each) => `"${each}"`).join(", ")}.

Runs that are done are not run again: after Ctrl-C the same command with the
same --out goes on.`;

const examples = `
Examples:
  npx tsx supcon/sweep.ts --out runs/losses
  npx tsx supcon/sweep.ts --vary "--temperature 0.05" --vary "--temperature 0.1" --vary "--temperature 0.5"
  npx tsx supcon/sweep.ts --common "--width 16" --vary "" --vary "--optimizer lars --learning-rate 2"`;

const commandLine = () =>
  new Command("npx tsx supcon/sweep.ts")
    .description(about)
    .addHelpText("after", examples)
    .option(
      "--vary <options>",
      "a variant; may stand several times",
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option("--seeds <n>", "seeds of each variant: 0, 1, ...", integer(1), 3)
    .option("--common <options>", "options of all variants", "--preset minute")
    .requiredOption("--out <dir>", "folder of the runs", "runs/sweep")
    .helpOption("-h, --help", "show this and exit")
    .configureOutput({ outputError: oneLine });

/** One training of a sweep. */
interface SweepRun {
  readonly variant: string;
  readonly out: string;
  readonly command: TrainCommand;
}

/** All trainings, in order, and where their table goes. */
export interface SweepCommand {
  readonly out: string;
  readonly runs: readonly SweepRun[];
}

/** Reads the command line (without node and script), every variant of it. Throws as {@link parseTrainCommand} does. */
export function parseSweepCommand(args: readonly string[]): SweepCommand {
  const command = commandLine().exitOverride();
  command.parse([...args], { from: "user" });
  const { seeds, common, out, vary } = command.opts();
  const variants = vary.length > 0 ? vary : losses;
  const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");
  const runs = variants.flatMap((variant) =>
    Array.from({ length: seeds }, (_, seed): SweepRun => {
      const name = variant.replace(/[^\w.]+/g, "-").replace(/^-|-$/g, "") || "default";
      const folder = join(out, `${name}-seed-${seed}`);
      const all = [...words(common), ...words(variant), "--seed", String(seed), "--out", folder];
      return { variant, out: folder, command: parseTrainCommand(all) };
    }),
  );
  const bad = runs.find(({ command }) => command.resume || command.dryRun);
  if (bad) throw new ValueError(`sweep: expected variants that train, got "${bad.variant}"`);
  return { out, runs };
}

/** The whole of `supcon/sweep.ts`. Throws as `train` does; runs that are done before stay. */
export async function sweep({ out, runs }: SweepCommand): Promise<void> {
  const results = new Map<string, TrainResult[]>();
  for (const [i, { variant, out: folder, command }] of runs.entries()) {
    console.log(`\n[${i + 1}/${runs.length}] ${variant || "(default)"}, seed ${command.config.seed}`);
    const result = await runOnce(folder, command);
    if (result) results.set(variant, [...(results.get(variant) ?? []), result]);
    atomicWrite(join(out, "sweep.json"), JSON.stringify(Object.fromEntries(results), null, 2) + "\n");
  }
  console.log(
    `\n${formatResults(results)}\n\n± is the standard deviation over seeds; all figures are in ${join(out, "sweep.json")}`,
  );
}

/** Trains, goes on with what was interrupted, or takes the result of what is done. Throws ValueError for a run of other options. */
async function runOnce(folder: string, command: TrainCommand): Promise<TrainResult | undefined> {
  if (!existsSync(join(folder, runFiles.checkpoint))) return train(command);
  if (!isDeepStrictEqual(readRunConfig(folder), command.config)) {
    throw new ValueError(
      `--out: expected runs of the same options, got others in ${folder}; choose another folder`,
    );
  }
  if (!isDone(folder)) return train(parseTrainCommand(["--resume", folder]));
  console.log(`done before, in ${folder}`);
  return JSON.parse(readFileSync(join(folder, runFiles.result), "utf8")) as TrainResult;
}

/** A line for each variant. */
function formatResults(results: ReadonlyMap<string, readonly TrainResult[]>): string {
  const percent = (values: readonly number[]): string => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const spread =
      values.length > 1 ? ` ± ${(100 * Math.sqrt(squares / (values.length - 1))).toFixed(2)}` : "";
    return `${(100 * mean).toFixed(2)}${spread} %`;
  };
  const lines = [...results].map(([variant, ofSeeds]) => [
    variant || "(default)",
    String(ofSeeds.length),
    percent(ofSeeds.map(({ linearTop1 }) => linearTop1)),
    percent(ofSeeds.map(({ knnTop1 }) => knnTop1)),
    `${(ofSeeds.reduce((sum, { seconds }) => sum + seconds, 0) / ofSeeds.length).toFixed(0)} s`,
  ]);
  return formatColumns([["variant", "seeds", "linear", "k-NN", "time"], ...lines], 1);
}
