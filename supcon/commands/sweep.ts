import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ValueError } from "../../engine/errors.ts";
import { comparePage } from "../report/compare/compare-page.ts";
import type { Group } from "../report/compare/groups.ts";
import { formatGroups, notesOn } from "../report/compare/table.ts";
import { atomicWrite } from "../run/atomic.ts";
import { readFinishedRun } from "./finished-run.ts";
import type { FinishedRun } from "./finished-run.ts";
import { parseTrainCommand, readRunConfig } from "./options.ts";
import type { TrainCommand } from "./options.ts";
import { integer } from "./parsers.ts";
import { newCommand } from "./command.ts";
import { isDone, runFiles } from "./run-folder.ts";
import { train } from "./train.ts";

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

A variant is a text of options of supcon/train.ts (--vary), or an option with
one of several values (--over). Without variants the losses are compared: ${losses.map((each) => `"${each}"`).join(", ")}.

It ends with a table, and with charts in compare.html; supcon/compare.ts draws
the same of any runs.

Runs that are done are not run again: after Ctrl-C the same command with the
same --out goes on.`;

const examples = `
Examples:
  npx tsx supcon/sweep.ts --out runs/losses
  npx tsx supcon/sweep.ts --over "--temperature 0.05 0.07 0.1 0.5 1" --out runs/temperature
  npx tsx supcon/sweep.ts --vary "--loss simclr" --vary "--loss simclr --queue 4096"
  npx tsx supcon/sweep.ts --common "--width 16" --vary "" --vary "--optimizer lars --learning-rate 2"`;

const commandLine = () =>
  newCommand("npx tsx supcon/sweep.ts", about)
    .addHelpText("after", examples)
    .option(
      "--vary <options>",
      "a variant; may stand several times",
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option(
      "--over <option>",
      'an option with several values, each of them a variant: "--temperature 0.1 0.5"',
    )
    .option("--seeds <n>", "seeds of each variant: 0, 1, ...", integer(1), 3)
    .option("--common <options>", "options of all variants", "--preset minute")
    .requiredOption("--out <dir>", "folder of the runs", "runs/sweep");

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

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** "--option a b" as "--option a" and "--option b". */
function valuesOf(over: string): string[] {
  const [option = "", ...values] = words(over);
  if (option.startsWith("--") && values.length > 0) return values.map((value) => `${option} ${value}`);
  throw new ValueError(
    `--over: expected an option and its values, as "--temperature 0.1 0.5", got "${over}"`,
  );
}

/** Reads the command line (without node and script), every variant of it. Throws as {@link parseTrainCommand} does. */
export function parseSweepCommand(args: readonly string[]): SweepCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const { seeds, common, out, vary, over } = command.opts();
  const chosen = [...vary, ...(over === undefined ? [] : valuesOf(over))];
  const variants = chosen.length > 0 ? new Set(chosen) : losses;
  const runs = [...variants].flatMap((variant) =>
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
  const finished = new Map<string, [FinishedRun, ...FinishedRun[]]>();
  for (const [i, { variant, out: folder, command }] of runs.entries()) {
    console.log(`\n[${i + 1}/${runs.length}] ${variant || "(default)"}, seed ${command.config.seed}`);
    await runOnce(folder, command);
    const run = readFinishedRun("sweep", folder);
    const ofVariant = finished.get(variant);
    if (ofVariant) ofVariant.push(run);
    else finished.set(variant, [run]);
    const results = [...finished].map(([name, all]) => [name, all.map(({ result }) => result)] as const);
    atomicWrite(join(out, "sweep.json"), JSON.stringify(Object.fromEntries(results), null, 2) + "\n");
  }
  const groups = [...finished].map(([variant, all]): Group => ({ name: variant || "(default)", runs: all }));
  const page = join(out, "compare.html");
  atomicWrite(page, comparePage(`Sweep ${basename(resolve(out))}`, groups));
  console.log(
    `\n${formatGroups(groups, ["linear", "knn", "seconds"])}\n\n${notesOn(groups).join("\n")}\nall figures are in ${join(out, "sweep.json")}, charts in ${page}`,
  );
}

/** Trains, or goes on with what was interrupted, unless the run is done. Throws ValueError for a run of other options. */
async function runOnce(folder: string, command: TrainCommand): Promise<void> {
  if (!existsSync(join(folder, runFiles.checkpoint))) {
    await train(command);
    return;
  }
  if (!isDeepStrictEqual(readRunConfig(folder), command.config)) {
    throw new ValueError(
      `--out: expected runs of the same options, got others in ${folder}; choose another folder`,
    );
  }
  if (isDone(folder)) console.log(`done before, in ${folder}`);
  else await train(parseTrainCommand(["--resume", folder]));
}
