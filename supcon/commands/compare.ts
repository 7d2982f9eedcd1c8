import { ValueError } from "../../engine/errors.ts";
import { reasonOf } from "../reason.ts";
import { comparePage } from "../report/compare/compare-page.ts";
import { groupBySeed } from "../report/compare/groups.ts";
import { presentMeasures } from "../report/compare/measures.ts";
import { formatGroups, notesOn } from "../report/compare/table.ts";
import { atomicWrite } from "../run/atomic.ts";
import { newCommand } from "./command.ts";
import { readFinishedRun } from "./finished-run.ts";

const about = `Lays finished runs on one data set side by side: a table of accuracies,
calibration error, error on damaged images where supcon/evaluate.ts has measured
it, and time; and a page of charts that opens without a network.

Runs that differ only by their seed are one line, with mean and standard
deviation.`;

const examples = `
Examples:
  npx tsx supcon/compare.ts runs/a runs/b
  npx tsx supcon/compare.ts runs/losses/*/ --out runs/losses/compare.html`;

const commandLine = () =>
  newCommand("npx tsx supcon/compare.ts", about)
    .addHelpText("after", examples)
    .argument("<runs...>", "run folders of supcon/train.ts")
    .option("--out <file>", "page to write", "compare.html");

/** Which runs, and where the page goes. */
export interface CompareCommand {
  readonly runs: readonly string[];
  readonly out: string;
}

/** Reads the command line (without node and script). Throws as `parseTrainCommand` does. */
export function parseCompareCommand(args: readonly string[]): CompareCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  return { runs: command.processedArgs[0], ...command.opts() };
}

/**
 * The whole of `supcon/compare.ts`. Throws ValueError, before anything is written, for a folder that holds no finished run,
 * damaged files, a run given twice, and runs on different data sets.
 */
export function compare({ runs: folders, out }: CompareCommand): Promise<void> {
  const groups = groupBySeed(folders.map((folder) => readFinishedRun("compare", folder)));
  const page = comparePage("Runs side by side", groups);
  write(out, page);
  console.log([formatGroups(groups, presentMeasures(groups)), "", ...notesOn(groups), `charts are in ${out}`].join("\n")); // prettier-ignore
  return Promise.resolve();
}

function write(path: string, page: string): void {
  try {
    atomicWrite(path, page);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new ValueError(`--out: expected a file that can be written, got ${path} (${reason})`, { cause });
  }
}
