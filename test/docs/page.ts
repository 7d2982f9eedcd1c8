/** docs/supcon.md taken apart. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const folder = join(import.meta.dirname, "..", "..", "docs");
export const root = join(folder, "..");
const page = readFileSync(join(folder, "supcon.md"), "utf8");

export const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");

/** Lines of code, each with the file that it is from, which the block's first line names. */
export const quotes = Array.from(page.matchAll(/^ *```ts\n *\/\/ (.*)\n([^]*?)^ *```/gm), ([, file = "", code = ""]) => ({
  file,
  lines: code.split("\n").map((line) => line.trim()).filter((line) => line !== ""),
})); // prettier-ignore

/** How many blocks of TypeScript there are. */
export const blocks = page.match(/^ *```ts$/gm)?.length ?? 0;

/** [text](target) of links and figures. */
export const links = Array.from(page.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g), ([, text = "", target = ""]) => ({
  text: text.replaceAll(/\s+/g, " "),
  target,
}));

/** Addresses of the headings, as GitHub makes them. */
export const headings = Array.from(page.matchAll(/^##+ (.*)$/gm), ([, title = ""]) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-"),
);

/** What is left without code, formulas and targets of links, with one space for all that separates words. */
export const prose = page
  .replaceAll(/^ *```[^]*?^ *```/gm, "")
  .replaceAll(/\]\([^)]+\)/g, "]")
  .replaceAll(/\s+/g, " ");
