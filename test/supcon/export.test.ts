import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { decodeSafetensors } from "../../supcon/run/safetensors.ts";
import { runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-export-"));
const run = join(folder, "run");
const weights = join(folder, "encoder.safetensors");

before(async () => {
  const { code, stderr } = await runCommand("train", [...tiny, "--epochs", "1", "--out", run]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
after(() => {
  rmSync(folder, { recursive: true });
});

describe("supcon/export.ts", () => {
  it("writes the trained encoder in PyTorch's layout", async () => {
    const { code, stderr } = await runCommand("export", ["--run", run, "--out", weights]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const { tensors } = decodeSafetensors(readFileSync(weights));
    const ours = decodeSafetensors(readFileSync(join(run, "checkpoint.safetensors"))).tensors;
    const [there, here] = [tensors.get("layer2.0.conv1.weight"), ours.get("encoder.layer2.0.conv1.weight")];
    assert.deepEqual(there?.shape, [16, 8, 3, 3]);
    assert.deepEqual(here?.shape, [3, 3, 8, 16]);
    for (const [o, i, r, c] of [
      [0, 0, 0, 0],
      [15, 7, 2, 2],
      [9, 3, 0, 2],
    ] as const) {
      // prettier-ignore
      assert.equal(there.data[((o * 8 + i) * 3 + r) * 3 + c], here.data[((r * 3 + c) * 8 + i) * 16 + o]);
    }
    assert.equal(
      [...tensors.keys()].some((name) => name.startsWith("head")),
      false,
    );
  });

  it("is where another training starts", async () => {
    const out = join(folder, "goes-on");
    const still = ["--epochs", "1", "--learning-rate", "1e-20", "--weight-decay", "0"];
    const started = await runCommand("train", [
      ...tiny,
      ...still,
      "--encoder-weights",
      weights,
      "--out",
      out,
    ]);
    assert.deepEqual({ code: started.code, stderr: started.stderr }, { code: 0, stderr: "" });
    const weightsOf = (path: string) =>
      decodeSafetensors(readFileSync(join(path, "checkpoint.safetensors"))).tensors.get(
        "encoder.conv1.weight",
      );
    assert.deepEqual(weightsOf(out), weightsOf(run));
  });

  it("refuses what does not fit, in one line", async () => {
    for (const args of [["--run", folder], ["--run", run, "--out", join(folder, "none", "x")], []]) {
      const { code, stderr } = await runCommand("export", args);
      assert.equal(code, 2, stderr);
      assert.equal(stderr.split("\n").length, 2, stderr);
    }
    const wide = await runCommand("train", [...tiny, "--encoder-weights", weights, "--width", "4"]);
    assert.equal(wide.code, 2);
    assert.match(wide.stderr, /encoder\.safetensors: .*misshapen conv1\.weight/);
  });
});
