import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { parseSweepCommand } from "../../supcon/commands/sweep.ts";
import { parsePage } from "../report/dom.ts";
import { readJson, runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-sweep-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

describe("supcon/sweep.ts", () => {
  const common = [...tiny, "--epochs", "1"].join(" ");
  const args = (...vary: string[]) => [
    ...["--out", join(folder, "sweep"), "--seeds", "2", "--common", common],
    ...vary.flatMap((variant) => ["--vary", variant]),
  ];

  it("trains each variant with each seed, tells means and spreads, and runs nothing twice", async () => {
    const first = await runCommand("sweep", args("--temperature 0.5", ""));
    assert.deepEqual({ code: first.code, stderr: first.stderr }, { code: 0, stderr: "" });
    assert.match(first.stdout, /^--temperature 0\.5 +2 +[\d.]+ ± [\d.]+ % +[\d.]+ ± [\d.]+ % +\d+ s$/m);
    assert.match(first.stdout, /^\(default\) +2 /m);
    const again = await runCommand("sweep", args("--temperature 0.5", ""));
    assert.equal([...again.stdout.matchAll(/^done before/gm)].length, 4);
    const results = readJson(folder, "sweep", "sweep.json");
    assert.deepEqual(Object.keys(results), ["--temperature 0.5", ""]);
    const page = parsePage(readFileSync(join(folder, "sweep", "compare.html"), "utf8"));
    assert.deepEqual(page.texts("tbody td:first-child").slice(0, 2), ["--temperature 0.5", "(default)"]);

    const other = await runCommand("sweep", [
      ...args("").slice(0, -2),
      "--common",
      `${common} --k 3`,
      "--vary",
      "",
    ]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /^error: --out: expected runs of the same options, got others in .*\n$/);
  });

  it("makes a variant of each value of an option", () => {
    const { runs } = parseSweepCommand(["--over", "--temperature 0.05 0.07 0.1 0.5 1", "--seeds", "2"]);
    const temperatures = runs.map(({ command }) => command.config.temperature);
    assert.deepEqual(temperatures, [0.05, 0.05, 0.07, 0.07, 0.1, 0.1, 0.5, 0.5, 1, 1]);
    assert.equal(new Set(runs.map(({ out }) => out)).size, 10);
  });

  it("compares the losses by default, and refuses bad variants before any work", () => {
    const { runs } = parseSweepCommand([]);
    assert.equal(runs.length, 18);
    assert.deepEqual([...new Set(runs.map(({ command: { config } }) => (config.form === "cross-entropy" ? config.form : `${config.loss} ${config.summation}`)))], ["supcon out", "supcon in", "simclr out", "n-pairs out", "triplet out", "cross-entropy"]); // prettier-ignore
    assert.deepEqual([...new Set(runs.map(({ command }) => command.config.seed))], [0, 1, 2]);
    assert.throws(() => parseSweepCommand(["--vary", "--dry-run"]), ValueError);
    assert.throws(
      () => parseSweepCommand(["--over", "--temperature"]),
      /--over: expected an option and its values/,
    );
    assert.throws(() => parseSweepCommand(["--vary", "--epochs 1 --warmup 2"]), /--warmup: expected at most/);
  });
});
