import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { efforts } from "../../bench/measure/effort.ts";
import { readReport } from "../../bench/report/read.ts";

const root = join(import.meta.dirname, "..", "..");

interface Outcome {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (script: string, ...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", join(root, "bench", script), ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    }); // prettier-ignore
  });

const folder = mkdtempSync(join(tmpdir(), "bench-"));

test("a quick run leaves a table, a report and a page; a run compared with itself has not changed", async () => {
  const out = join(folder, "a");
  const { code, stdout, stderr } = await run("run.ts", "--quick", "--filter", "matmul", "--peers", "none", "--threads", "1", "--out", out); // prettier-ignore
  assert.equal(code, 0, stderr);
  assert.match(stdout, /matmul 512 x 512 x 512/);
  assert.match(stdout, /bench\.html/);
  const path = join(out, "bench.json");
  const report = readReport(path);
  assert.deepEqual([report.backend, report.threads, report.rows.length], ["cpu", 1, 1]);
  const [ours] = report.rows[0]!.measured;
  assert.ok(ours && ours.milliseconds > 0 && ours.rounds.length > 0 && ours.fraction! > 0);
  assert.ok(report.ceilings.copy! > 0 && report.ceilings.microKernel! > 0 && report.ceilings.registers! > 0);
  const page = readFileSync(join(out, "bench.html"), "utf8");
  assert.match(page, /<svg[^]*matmul 512/);
  assert.doesNotMatch(page, /(?:src|href)="http/);
  const compared = await run("compare.ts", path, path);
  assert.equal(compared.code, 0, compared.stderr);
  assert.match(compared.stdout, /\+0 %/);
});

test("a full run has rounds of three sweeps, and a table at the end of the last", async () => {
  const out = join(folder, "sweeps");
  const { code, stdout, stderr } = await run(
    "run.ts",
    "--filter",
    "matmul 128",
    "--peers",
    "none",
    "--out",
    out,
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^row 1 of 1, sweep 1 of 3.*\nrow 1 of 1, sweep 2 of 3.*\nmatmul 128 x 64 x 64\n/m);
  const [row] = readReport(join(out, "bench.json")).rows;
  assert.deepEqual(row?.measured.map(({ rounds }) => rounds.length), [3 * efforts.full.rounds]); // prettier-ignore
});

test("Ctrl-C ends a run with exit code 130, whatever its libraries are doing", async () => {
  const args = ["--filter", "supcon M = 12288", "--peers", "none", "--out", join(folder, "interrupted")];
  const child = spawn(process.execPath, ["--import", "tsx", join(root, "bench", "run.ts"), ...args]);
  const errors = text(child.stderr);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "close"), [130, null]);
  assert.match(await errors, /^interrupted before the first row\n$/);
});

test("Ctrl-C leaves what was measured until then", async () => {
  const out = join(folder, "partial");
  const args = ["--filter", "matmul 128", "--peers", "none", "--out", out];
  const child = spawn(process.execPath, ["--import", "tsx", join(root, "bench", "run.ts"), ...args]);
  const [errors, closed] = [text(child.stderr), once(child, "close")];
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith("row 1 of 1, sweep 1 of 3")) child.kill("SIGINT");
  }
  assert.deepEqual(await closed, [130, null]);
  assert.match(await errors, /^interrupted after row 1 of 1, sweep 1 of 3\n$/);
  const [row] = readReport(join(out, "bench.json")).rows;
  assert.ok((row?.measured[0]?.rounds.length ?? 0) >= efforts.full.rounds);
});

test("bad usage is exit code 2 and one line that tells what there is", async () => {
  const filter = await run("run.ts", "--filter", "no such row");
  assert.equal(filter.code, 2);
  assert.match(filter.stderr, /^error: --filter: expected .*matmul.*\n$/);
  const quick = await run("run.ts", "--quick", "--filter", "optimizer");
  assert.match(
    quick.stderr,
    /^error: --filter: expected text in a topic of a quick run \(matmul, .*got "optimizer"\n$/,
  );
  const file = await run("run.ts", "--filter", "matmul 128", "--out", join(root, "package.json"));
  assert.equal(file.code, 2);
  assert.match(file.stderr, /^error: --out: expected a folder/);
  const peer = await run("run.ts", "--peers", "nobody");
  assert.equal(peer.code, 2);
  assert.match(peer.stderr, /tfjs/);
  const broken = join(folder, "broken.json");
  writeFileSync(broken, "{}");
  const comparison = await run("compare.ts", broken, broken);
  assert.equal(comparison.code, 2);
  assert.match(comparison.stderr, /expected a bench\.json/);
});
