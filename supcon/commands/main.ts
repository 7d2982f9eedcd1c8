import { CommanderError } from "@commander-js/extra-typings";
import { SpheregradError, ValueError } from "../../engine/errors.ts";
import { StateDictError } from "../../nn/index.ts";
import { DataError } from "../data/dataset.ts";
import { SafetensorsError } from "../run/safetensors.ts";
import { InterruptedError } from "./interruption.ts";

/** What options and files are to blame for. */
const badInput = [ValueError, DataError, SafetensorsError, StateDictError];

/**
 * Runs a command to its end, tells what went wrong on stderr, and sets the exit code: 0 done, 1 failed, 2 bad usage or
 * data, 130 interrupted, as shells have it.
 */
export async function main(work: () => Promise<unknown>): Promise<void> {
  // Whoever reads, such as head, may have seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  try {
    await work();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (error instanceof CommanderError) return; // Commander has said it already; it throws for --help as well.
    // An error of ours is one line; any other is a bug, and shows its stack.
    if (error instanceof InterruptedError) console.error(error.message);
    else console.error(error instanceof SpheregradError ? `error: ${error.message}` : error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InterruptedError) return 130;
  return badInput.some((kind) => error instanceof kind) ? 2 : 1;
}
