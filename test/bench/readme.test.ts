/** The table of speeds in the README is that of the run whose results are committed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readReport } from "../../bench/report/read.ts";
import { summaryLines } from "../../bench/report/table.ts";

const root = join(import.meta.dirname, "..", "..");

/** The cells of the lines of tables in Markdown. */
const cellsOf = (markdown: string): string[][] =>
  markdown
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())); // prettier-ignore

test("the README's table of speeds is that of bench/results/cpu", () => {
  const report = readReport(join(root, "bench", "results", "cpu", "bench.json"));
  const measured = new Map(summaryLines(report).map((cells) => [cells[0], cells]));
  const shown = cellsOf(readFileSync(join(root, "README.md"), "utf8")).filter(
    ([name]) => name !== undefined && measured.has(name),
  );
  assert.ok(shown.length >= 10, `expected at least 10 rows of the run in the README, got ${shown.length}`);
  for (const cells of shown) assert.deepEqual(cells, measured.get(cells[0])?.slice(0, cells.length));
});
