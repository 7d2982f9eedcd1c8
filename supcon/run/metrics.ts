import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { ValueError } from "../../engine/errors.ts";
import { atomicWrite } from "./atomic.ts";

/** A row of metrics; a column that is left out stays empty. */
export type MetricsRow<Column extends string> = Readonly<Partial<Record<Column, number | string>>>;

/**
 * Writes `metrics.csv`: one header, then one line per row. Nothing is held back: a row is with the operating
 * system when `append` returns, so it outlives the process, and on the disk after `flush`.
 *
 * ```ts
 * using metrics = new MetricsWriter("runs/1/metrics.csv", ["step", "loss"]);
 * metrics.append({ step: 1, loss: 6.93 });
 * ```
 */
export class MetricsWriter<Column extends string> {
  readonly #path: string;
  readonly #columns: readonly Column[];
  readonly #file: number;
  #last: readonly string[];

  /**
   * @param keepRows - rows of an existing file to keep, the later ones being dropped: a resumed run passes the
   *   epochs of its checkpoint, so that those it repeats are not listed twice. 0 starts the file anew.
   * @throws ValueError if the existing file is missing, or has other columns or fewer rows.
   */
  constructor(path: string, columns: readonly Column[], keepRows = 0) {
    const header = columns.map((column) => cell(column)).join(",");
    const lines = keepRows > 0 ? firstRows(path, header, keepRows) : [];
    atomicWrite(path, [header, ...lines, ""].join("\n"));
    this.#path = path;
    this.#columns = columns;
    this.#file = openSync(path, "a");
    this.#last = lines.at(-1)?.split(",") ?? [];
  }

  /** The last row's number in a column; NaN where there is none. */
  last(column: Column): number {
    const text = this.#last[this.#columns.indexOf(column)] ?? "";
    return text === "" ? NaN : Number(text);
  }

  /**
   * Throws ValueError, before anything is written, for a column that the file lacks or a value that would
   * break the line.
   */
  append(row: MetricsRow<Column>): void {
    const columns: readonly string[] = this.#columns;
    const unknown = Object.keys(row).find((key) => !columns.includes(key));
    if (unknown !== undefined) {
      throw new ValueError(`${this.#path}: expected columns ${columns.join(", ")}, got ${unknown}`);
    }
    const cells = this.#columns.map((column) => cell(row[column] ?? ""));
    appendFileSync(this.#file, cells.join(",") + "\n");
    this.#last = cells;
  }

  /** Returns when all rows are on the disk. */
  flush(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a run measured after an epoch, by column; what was not measured, or is no finite number, is missing. */
export type Metrics = Readonly<Partial<Record<string, number>>>;

/** Reads a file of numbers that {@link MetricsWriter} wrote. Throws ValueError for one that is missing or damaged. */
export function readMetrics(path: string): Metrics[] {
  const [header, ...rows] = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  if (header === undefined) throw new ValueError(`${path}: expected metrics of a run, got no file`);
  const columns = header.split(",");
  return rows.map((row, i) => {
    const cells = row.split(",");
    if (
      cells.length !== columns.length ||
      cells.some((text) => text !== "NaN" && Number.isNaN(Number(text)))
    ) {
      throw new ValueError(`${path}: expected ${columns.length} numbers in row ${i + 1}, got "${row}"`);
    }
    return Object.fromEntries(
      columns.flatMap((column, c) => {
        const value = cells[c] === "" ? NaN : Number(cells[c]);
        return Number.isFinite(value) ? [[column, value]] : [];
      }),
    );
  });
}

/**
 * Values are numbers and plain words: refusing what would need quotes lets every reader split at commas and
 * line ends.
 */
function cell(value: number | string): string {
  const text = String(value);
  if (/[",\r\n]/.test(text)) {
    throw new ValueError(
      `metrics: expected a value without comma, quote or line break, got ${JSON.stringify(text)}`,
    );
  }
  return text;
}

function firstRows(path: string, header: string, count: number): string[] {
  // What follows the last line end is empty, or a line that a crash cut short: either way not a row.
  const [found, ...rows] = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  if (found !== header) {
    throw new ValueError(
      `${path}: expected the header "${header}", got ${found === undefined ? "no file" : `"${found}"`}; use a new run folder`,
    );
  }
  if (rows.length < count) {
    throw new ValueError(
      `${path}: expected at least ${count} rows, got ${rows.length}; the file is not the checkpoint's`,
    );
  }
  return rows.slice(0, count);
}
