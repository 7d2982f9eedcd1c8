/** `npx tsx supcon/train.ts` as a process of its own. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readCheckpoint } from "../../supcon/run/checkpoint.ts";
import { readJson, runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-train-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

const run = (...args: string[]) => runCommand("train", args);

describe("supcon/train.ts", () => {
  it("trains, evaluates and leaves a run folder", async () => {
    const out = join(folder, "run");
    const { code, stdout, stderr } = await run(
      ...tiny,
      "--epochs",
      "1",
      "--seed",
      "3",
      "--threads",
      "2",
      "--out",
      out,
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const part of [
      /^backend +cpu: /m,
      /^data +mnist: 300 of 60,000/m,
      /^epoch 1\/1 +loss [\d.]+ +learning rate [\d.]+ +hardness \+[\d.]+ -[\d.]+ /m,
      /linear classifier +[\d.]+ %/,
    ]) {
      assert.match(stdout, part);
    }
    assert.ok(stdout.includes(out), "the table is followed by the run folder's path");
    assert.deepEqual(readdirSync(out).sort(), ["checkpoint.safetensors", "classifier.safetensors", "config.json", "evaluation.json", "features.safetensors", "metrics.csv", "report.html", "result.json"]); // prettier-ignore

    const config = readJson(out, "config.json");
    const decided = { seed: 3, epochs: 1, trainImages: 300, temperature: 0.1, backend: "cpu", threads: 2 };
    for (const [name, value] of Object.entries(decided)) assert.equal(config[name], value, name);
    assert.ok(typeof config.resolved === "object" && config.resolved !== null, "what the options came to");
    assert.deepEqual(Object.keys(config.resolved), ["backend", "threads", "relaxedFma", "policy"]);

    const result = readJson(out, "result.json");
    for (const name of ["linearTop1", "lbfgsTop1", "knnTop1", "nearestMeanTop1"]) {
      const accuracy = Number(result[name]);
      assert.ok(accuracy > 0.1 && accuracy <= 1, `${name}: ${accuracy}`);
      assert.equal(Math.round(accuracy * 100) / 100, accuracy, "a share of 100 images");
    }
    assert.equal(result.seed, 3);
    assert.ok(Number(result.seconds) > Number(result.pretrainSeconds), "evaluation takes time as well");

    const [header, row, ...rest] = readFileSync(join(out, "metrics.csv"), "utf8").split("\n");
    assert.equal(header, "epoch,steps,loss,learningRate,imagesPerSecond,seconds,gradientNorm,updateNorm,lossFloor,lossCeiling,emptyAnchors,alignment,uniformity,positiveHardness,negativeHardness,neighbourAccuracy"); // prettier-ignore
    assert.ok(row!.split(",").every((cell) => cell !== "" && Number.isFinite(Number(cell))), `a number in each column: ${row}`); // prettier-ignore
    assert.match(row!, /^1,4,\d+\.\d+,/);
    assert.deepEqual(rest, [""]);
    assert.equal(Number(row!.split(",")[2]), result.loss);

    const weights = (path: string) => readCheckpoint(join(path, "checkpoint.safetensors"));
    const { model, training, position } = weights(out);
    assert.deepEqual(model.get("encoder.conv1.weight")?.shape, [3, 3, 1, 8]);
    assert.ok(model.has("encoder.bn1.running_mean"), "running statistics are part of the state");
    assert.deepEqual(training.get("optimizer.encoder.conv1.weight.velocity")?.shape, [3, 3, 1, 8]);
    assert.deepEqual(position, { step: 4, lossSum: 0, seconds: 0 });

    const again = join(folder, "again");
    await run(...tiny, "--epochs", "1", "--seed", "3", "--threads", "1", "--out", again);
    assert.deepEqual(
      weights(again).model,
      model,
      "one seed gives the same weights with one thread and with two",
    );

    const used = await run(...tiny, "--out", out);
    assert.equal(used.code, 2);
    assert.match(used.stderr, /^error: --out: expected a new or empty folder, got .*\n$/);
  });

  const refused: [name: string, args: string[], message: RegExp][] = [
    ["an unknown option", ["--epoch", "3"], /unknown option '--epoch'/],
    [
      "a bad value",
      ["--temperature", "0"],
      /--temperature <tau>' argument '0' is invalid. Expected a number > 0/,
    ],
    ["a bad choice", ["--model", "vgg"], /argument 'vgg' is invalid. Allowed choices are resnet8, resnet20/],
    ["an argument too many", ["mnist"], /too many arguments/],
    [
      "values that do not fit",
      ["--train-images", "20"],
      /--batch: expected at most the 20 training images, got 64/,
    ],
    [
      "what stage 2 would refuse in the end",
      ["--linear-schedule", "linear"],
      /schedule: expected cosine, .* got "linear"/,
    ],
    [
      "more images than there are",
      ["--test-images", "10001"],
      /mnist-test: expected at least 10001 images, got 10000/,
    ],
    [
      "data that is not there",
      ["--data", folder],
      /train-images-idx3-ubyte: expected an IDX file .* found none/,
    ],
  ];
  for (const [name, args, message] of refused) {
    it(`says in one line what is wrong with ${name}, before any work, and exits with 2`, async () => {
      const out = join(folder, `refused ${name}`);
      const { code, stdout, stderr } = await run(...args, "--out", out);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
      assert.ok(!existsSync(out), "no run folder is made");
    });
  }

  it("refuses data that is cut short", async () => {
    const data = mkdtempSync(join(folder, "data-"));
    writeFileSync(join(data, "train-images-idx3-ubyte"), Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 9)); // prettier-ignore
    writeFileSync(join(data, "train-labels-idx1-ubyte"), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 1));
    const { code, stderr } = await run("--data", data);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: .*train-images-idx3-ubyte: expected 2 elements .* got 1; fetch the file again\n$/,
    );
  });

  it("stops at a loss that is no number, says at which step and why it may be, and exits with 1", async () => {
    const { code, stderr } = await run(...tiny, "--learning-rate", "1e30", "--out", join(folder, "diverged"));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: train: expected a finite loss, got .* at step \d+ \(epoch 1\); likely causes: .*\n$/,
    );
  });

  it("tells with --dry-run what a run would cost, and writes nothing", async () => {
    const out = join(folder, "dry");
    const { code, stdout, stderr } = await run(...tiny, "--epochs", "9", "--dry-run", "--out", out);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const part of [
      /^ {2}"epochs": 9,?$/m,
      /^\(total\) +22,648 +\d+\.\d+ +\d+\.\d+$/m,
      /^stage 1 +36 steps of \d+ ms \(measured\): about \d+ (min|s)/m,
      /^memory +\d+ MiB of tensors/m,
    ]) {
      assert.match(stdout, part);
    }
    assert.ok(!existsSync(out), "no run folder is made");
  });

  it("teaches with --help", async () => {
    const { code, stdout, stderr } = await run("--help");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /Supervised contrastive learning[\s\S]*--temperature <tau>[\s\S]*Examples:/);
  });
});
