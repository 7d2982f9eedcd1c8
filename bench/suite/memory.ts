import type { Row } from "./row.ts";

/** Ops that memory bounds, on matrices larger than a core's own caches. */
export const memory = (): Row[] =>
  (["add", "gelu", "sum", "sumRows", "sumColumns"] as const).map((op) => ({
    topic: "memory",
    name: `${names[op]} of 4096 x 1024`,
    problem: { kind: "memory", op, rows: 4096, columns: 1024 },
    quick: op === "add" || op === "sumRows",
  }));

const names = {
  add: "a + b",
  gelu: "gelu",
  sum: "sum",
  sumRows: "sums of rows",
  sumColumns: "sums of columns",
} as const;
