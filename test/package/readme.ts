/** The code in README.md, and what it says of the package. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./project.ts";

const text = readFileSync(join(root, "README.md"), "utf8");

/** Its TypeScript examples, which are JavaScript too. */
export const examples = Array.from(text.matchAll(/^```ts\n(.*?)^```/gms), ([, code = ""]) => code);

/** The lines that an example says it prints: `console.log(x); // 4` prints 4. */
export const promised = (code: string): string[] =>
  Array.from(code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm), ([, line = ""]) => line);

/**
 * Holds bytes, as they are and compressed by gzip, against the row that tells them: "| package | 1,020 kB | 300 kB |"
 * may be 10 % off. Returns a line for the reader.
 */
export function checkSizes(what: string, ...bytes: [raw: number, gzip: number]): string {
  const [, ...told] =
    new RegExp(`^\\| ${what} +\\| +([\\d,]+) kB +\\| +([\\d,]+) kB +\\|$`, "m").exec(text) ?? [];
  const measured = `${what}: ${bytes.map((count) => `${(count / 1000).toFixed(1)} kB`).join(", gzip ")}`;
  for (const [i, count] of bytes.entries()) {
    const ratio = count / 1000 / Number(told[i]?.replace(",", ""));
    assert.ok(Math.abs(ratio - 1) < 0.1, `${measured}; README.md says ${told.join(" kB, gzip ")} kB`);
  }
  return measured;
}
