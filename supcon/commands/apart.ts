/**
 * tsx's command line (not its loader) watches the program that it starts: one that does not answer Ctrl-C within 60 ms it
 * kills, and a training step takes longer. So the work goes to a process of its own, and what tsx watches only waits.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** What tsx's command line loads into the program that it watches, by `--require`. */
const watcher = process.execArgv.findIndex((arg) => /tsx.*preflight/.test(arg));

/** Whether this process is one that tsx's command line has started. */
export const isWatchedByTsx = watcher >= 0;

/** Runs the same program again, unwatched, and ends as it ends. Signals are passed on. */
export async function runApart(): Promise<void> {
  const execArgv = process.execArgv.toSpliced(watcher - 1, 2);
  const child = spawn(process.execPath, [...execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill(name));
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => { resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)); }); // prettier-ignore
  });
}
