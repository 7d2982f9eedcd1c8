/** `npx tsx supcon/train.ts`: supervised contrastive training, from images to accuracies. `--help` tells all options. */
import { CommanderError } from "@commander-js/extra-typings";
import { SpheregradError, ValueError } from "../engine/errors.ts";
import { parseTrainOptions } from "./commands/options.ts";
import { train } from "./commands/train.ts";
import { DataError } from "./data/dataset.ts";

/** 0 done, 1 failed, 2 bad usage or data. An error of ours is one line; any other is a bug, and shows its stack. */
function exitCodeOf(error: unknown): number {
  // Commander has said it already; it throws for --help as well.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(error instanceof SpheregradError ? `error: ${error.message}` : error);
  return error instanceof ValueError || error instanceof DataError ? 2 : 1;
}

try {
  await train(parseTrainOptions(process.argv.slice(2)));
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
