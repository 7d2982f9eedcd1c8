import { execFileSync } from "node:child_process";
import { cpus, platform, release, totalmem } from "node:os";
import type { BenchReport } from "./report.ts";

/** What computes, for whoever reads the numbers. */
export const machineNow = (load: readonly [number, number]): BenchReport["machine"] => ({
  processor: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
  system: `${platform()} ${release()}`,
  node: process.version,
  load,
});

/** The commit that the files are at, with a + if they were changed; "unknown" outside of a clone. */
export function commitOf(): string {
  const git = (...args: readonly string[]) =>
    execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim(); // prettier-ignore
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}
