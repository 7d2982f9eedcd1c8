/** A guard: Node 20 expands no test globs itself, so a test file that the shell's globs miss would never run. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { it } from "node:test";

const root = join(import.meta.dirname, "..");

it("every test file is reached by npm test", () => {
  const script = /"test": "(.*)"/.exec(readFileSync(join(root, "package.json"), "utf8"))?.[1];
  assert.equal(script, "node --import tsx --test test/*.test.ts test/*/*.test.ts");
  const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  const tests = files.filter((file) => file.endsWith(".test.ts"));
  assert.ok(tests.length > 30, `only ${tests.length} test files found`);
  assert.deepEqual(tests.filter((file) => file.split(sep).length > 2), []); // prettier-ignore
});
