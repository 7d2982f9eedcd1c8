/** Commands as processes of their own, as a user starts them. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..", "..");
const tsx = fileURLToPath(import.meta.resolve("tsx/cli"));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `npx tsx supcon/<command>.ts ...args`. `onOutput` sees what has been printed so far and may send a signal; a
 * command that takes more than two minutes is killed.
 */
export function runCommand(
  command: "augment" | "train" | "predict" | "sweep" | "export" | "evaluate" | "report" | "compare",
  args: readonly string[],
  onOutput?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const file = join(root, "supcon", `${command}.ts`);
  const child = spawn(process.execPath, [tsx, file, ...args], { cwd: root, timeout: 120_000 });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
    onOutput?.(stdout, (signal) => child.kill(signal));
  });
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => { resolve({ code, stdout, stderr }); }); // prettier-ignore
  });
}

/** A run of a few seconds. */
export const tiny = "--train-images 300 --test-images 100 --linear-epochs 3 --backend cpu".split(" ");

/** The object in a file of JSON. */
export function readJson(...path: string[]): Record<string, unknown> {
  const content: unknown = JSON.parse(readFileSync(join(...path), "utf8"));
  if (typeof content !== "object" || content === null) throw new Error(`${path.join("/")}: no object`);
  return { ...content };
}
