/** Reports and comparisons of real runs: `npx tsx supcon/report.ts` and `supcon/compare.ts` as processes of their own. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { compare } from "../../supcon/commands/compare.ts";
import { report } from "../../supcon/commands/html-report.ts";
import { parsePage } from "../report/dom.ts";
import { readJson, runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-report-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore
const run = join(folder, "run");
const damaged = join(folder, "damaged");
const unfinished = join(folder, "unfinished");
const elsewhere = join(folder, "elsewhere");

/** A copy of the run with a file changed. */
function copy(to: string, file: string, change: (content: string) => string): void {
  cpSync(run, to, { recursive: true });
  writeFileSync(join(to, file), change(readFileSync(join(to, file), "utf8")));
}

const read = (path: string) => parsePage(readFileSync(path, "utf8"));

describe("supcon/report.ts and supcon/compare.ts", () => {
  before(async () => {
    const { code, stderr } = await runCommand("train", [...tiny, "--epochs", "2", "--out", run]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    copy(damaged, "result.json", (json) => json.replace(/"knnTop1": [\d.]+/, '"knnTop1": 7'));
    copy(unfinished, "config.json", (json) => json);
    rmSync(join(unfinished, "result.json"));
    copy(elsewhere, "config.json", (json) => json.replace('"data": "mnist"', '"data": "fashion-mnist"'));
  });

  it("a training leaves a report, and the command makes the same again", async () => {
    const path = join(run, "report.html");
    const byTraining = readFileSync(path, "utf8");
    const { texts, all } = parsePage(byTraining);
    assert.deepEqual(texts("h1"), ["Run run"]);
    assert.deepEqual(texts("h2"), ["Accuracies", "Training", "Features", "Mistakes", "Options"]);
    assert.equal(all(".map circle").length, 100);
    assert.ok(texts("li").some((fact) => fact.startsWith("mnist: 300 training images, 100 test images, 28 × 28 × 1"))); // prettier-ignore
    const { linearTop1 } = readJson(run, "result.json");
    assert.equal(texts(".tiles b")[0], `${(100 * Number(linearTop1)).toFixed(2)} %`);

    rmSync(path);
    const { code, stdout, stderr } = await runCommand("report", [run]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${path}\n`, stderr: "" });
    assert.equal(readFileSync(path, "utf8"), byTraining);
  });

  it("an evaluation adds what it has found", async () => {
    const args = [run, "--with", "corruptions", "--corruption-images", "20"];
    const { code, stdout } = await runCommand("evaluate", args);
    assert.equal(code, 0);
    assert.ok(stdout.includes(`pictures in ${join(run, "report.html")}`));
    assert.ok(read(join(run, "report.html")).texts("h2").includes("Damaged images"));
  });

  it("does without images of a data set that has changed", async () => {
    const changed = join(folder, "changed");
    copy(changed, "config.json", (json) => json.replace('"seed": 0', '"seed": 5'));
    assert.equal((await runCommand("report", [changed])).code, 0);
    const { texts } = read(join(changed, "report.html"));
    assert.ok(texts("p").some((text) => text.includes("Images are not shown: the data set is not any more")));
    assert.equal(texts("h3").includes("Nearest neighbours"), false);
  });

  it("compares runs in a table and on a page", async () => {
    const other = join(folder, "other");
    copy(other, "config.json", (json) => json.replace('"temperature": 0.1', '"temperature": 0.2'));
    const page = join(folder, "compare.html");
    const { code, stdout, stderr } = await runCommand("compare", [run, other, "--out", page]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^variant +seeds +linear +k-NN +class mean +ECE +damaged +time$/m);
    assert.match(stdout, /^--temperature 0\.2 +1 +[\d.]+ % +[\d.]+ % /m);
    assert.ok(stdout.endsWith(`charts are in ${page}\n`));
    assert.ok(read(page).texts("h3").includes("Linear classifier"));
  });

  const page = join(folder, "refused.html");
  const comparing =
    (runs: readonly string[], out = page) =>
    () =>
      compare({ runs, out });
  const refused: [name: string, work: () => Promise<void> | void, message: RegExp][] = [
    ["a report of a folder that is no run", () => report(folder), /config.json: expected a file of options, got none/], // prettier-ignore
    ["a comparison with one", comparing([run, folder]), /config.json: expected a file of options, got none/],
    ["a report of a run that was interrupted", () => report(unfinished), /^report: expected a run that is done, got .*; --resume/], // prettier-ignore
    ["a comparison with one", comparing([run, unfinished]), /^compare: expected a run that is done/],
    ["a damaged result", comparing([damaged]), /result.json.knnTop1: expected a number from 0 to 1, got 7/],
    ["other data", comparing([run, elsewhere]), /expected runs on one data set, got mnist in .* and fashion-mnist in/], // prettier-ignore
    ["a run twice", comparing([run, run]), /expected each run once/],
    ["a page that cannot be", comparing([run], join(folder, "none", "x.html")), /--out: expected a file that can be written/], // prettier-ignore
  ];
  for (const [name, work, message] of refused) {
    it(`refuses ${name}`, async () => {
      const isTold = (error: unknown) => error instanceof ValueError && message.test(error.message);
      await assert.rejects(async () => work(), isTold);
      assert.equal(existsSync(page), false);
    });
  }

  it("tells errors in one line", async () => {
    for (const command of ["report", "compare"] as const) {
      const { code, stdout, stderr } = await runCommand(command, [unfinished]);
      assert.deepEqual({ code, stdout, lines: stderr.split("\n").length }, { code: 2, stdout: "", lines: 2 });
    }
  });
});
