/** The figures of docs/ are what docs/figures.ts makes of the library as it is. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { figures } from "../../docs/figures.ts";
import { useReference } from "../kernels/helpers.ts";

const folder = join(import.meta.dirname, "..", "..", "docs", "figures");
const number = /-?\d+(?:\.\d+)?/g;

describe("figures", () => {
  before(useReference);

  it("are those that the script makes", () => {
    assert.deepEqual(readdirSync(folder).sort(), Object.keys(figures).sort());
  });

  for (const [name, make] of Object.entries(figures)) {
    it(`${name} shows what the code says`, async () => {
      const [committed, made] = [readFileSync(join(folder, name), "utf8"), await make()];
      const advice = "run npx tsx docs/figures.ts, and look at it";
      assert.equal(made.replaceAll(number, "0"), committed.replaceAll(number, "0"), advice);
      // Numbers are rounded to hundredths, on either side of which another machine's Math may be.
      const [expected, found] = [committed, made].map((text) => (text.match(number) ?? []).map(Number));
      found!.forEach((x, i) => {
        assert.ok(Math.abs(x - expected![i]!) < 0.011, `expected ${expected![i]}, got ${x}; ${advice}`);
      });
    });
  }
});
