import { readFileSync } from "node:fs";
import { ValueError } from "../../engine/errors.ts";
import type { BenchReport } from "./report.ts";

/** Reads a run's bench.json. Throws ValueError for a file that is missing or is none. */
export function readReport(path: string): BenchReport {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ValueError(
      `compare: expected a bench.json, got ${path}, which cannot be read: ${String(error)}`,
    );
  }
  if (isReport(content)) return content;
  throw new ValueError(`compare: expected a bench.json of format 1, got ${path}, which is none`);
}

const isReport = (content: unknown): content is BenchReport =>
  typeof content === "object" &&
  content !== null &&
  "format" in content &&
  content.format === 1 &&
  "rows" in content &&
  Array.isArray(content.rows) &&
  content.rows.every(isRow);

const isRow = (row: unknown): boolean =>
  typeof row === "object" &&
  row !== null &&
  "name" in row &&
  "measured" in row &&
  Array.isArray(row.measured);
