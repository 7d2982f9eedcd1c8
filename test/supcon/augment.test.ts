import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import sharp from "sharp";
import { drawSheet } from "../../supcon/commands/contact-sheet.ts";
import { runCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-augment-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

describe("drawSheet", () => {
  it("shows tiles of 1 and 3 channels enlarged by whole pixels, and texts that look like markup", async () => {
    const grey = { height: 2, width: 2, channels: 1, pixels: Uint8Array.of(0, 85, 170, 255) };
    const red = { height: 2, width: 2, channels: 3, pixels: Uint8Array.of(200, 9, 9, 200, 9, 9, 200, 9, 9, 200, 9, 9) }; // prettier-ignore
    const png = await drawSheet({
      title: "<&>",
      columns: ["a", "b"],
      rows: [{ label: "<x>", tiles: [grey, red] }],
    });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    const counts = new Map<string, number>();
    for (let i = 0; i < data.length; i += info.channels) {
      const colour = [...data.subarray(i, i + 3)].join();
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    // Each pixel of a tile of 2 x 2 becomes 32 x 32.
    assert.equal(counts.get("200,9,9"), 64 * 64);
    assert.ok((counts.get("85,85,85") ?? 0) >= 32 * 32 && (counts.get("170,170,170") ?? 0) >= 32 * 32);
  });
});

describe("supcon/augment.ts", () => {
  it("draws the same sheet again with the same seed, and another one by another policy", async () => {
    const draw = async (name: string, policy: string) => {
      const out = join(folder, name);
      const { code, stdout, stderr } = await runCommand("augment", ["--policy", policy, "--images", "2", "--views", "3", "--out", out]); // prettier-ignore
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.equal(stdout, `${out}: 2 images of mnist, 3 views of each by ${policy}\n`);
      return sharp(out).raw().toBuffer();
    };
    const first = await draw("first.png", "stacked-randaugment");
    assert.deepEqual(await draw("again.png", "stacked-randaugment"), first);
    assert.notDeepEqual(await draw("other.png", "cutout"), first);
  });

  for (const [what, args, message] of [
    ["a policy that there is not", ["--policy", "mixup"], /--policy.*Allowed choices are default, none/],
    ["a magnitude above 10", ["--rand-magnitude", "11"], /--rand-magnitude.*from 0 to 10/],
    ["a folder that there is not", ["--out", join(folder, "none", "views.png")], /--out: expected a file that can be written/], // prettier-ignore
  ] as const) {
    it(`refuses ${what} in one line`, async () => {
      const { code, stdout, stderr } = await runCommand("augment", args);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
      assert.ok(!existsSync("views.png"));
    });
  }
});
