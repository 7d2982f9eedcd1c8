/** `npx tsx supcon/evaluate.ts` as a process of its own. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { selectImages } from "../../supcon/data/dataset.ts";
import { cacheFolder } from "../../supcon/data/cache.ts";
import { loadPublished } from "../../supcon/data/published.ts";
import { readEvaluation } from "../../supcon/run/evaluation.ts";
import { readJson, runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-evaluate-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore
const run = join(folder, "run");
const other = join(folder, "other");

/** A folder of IDX files, with so many images of each split. */
function writeIdx(path: string, train: number, test: number): void {
  mkdirSync(path);
  for (const [prefix, split, count] of [
    ["train", "train", train],
    ["t10k", "test", test],
  ] as const) {
    // prettier-ignore
    const { images, labels } = selectImages(loadPublished("mnist", split, cacheFolder()), Array.from({ length: count }, (_, i) => i + 500));
    const header = (type: number, ...dims: number[]) => Uint8Array.from([0, 0, 8, type, ...dims.flatMap((n) => [0, 0, n >> 8, n & 255])]); // prettier-ignore
    writeFileSync(join(path, `${prefix}-images-idx3-ubyte`), Buffer.concat([header(3, count, 28, 28), images])); // prettier-ignore
    writeFileSync(join(path, `${prefix}-labels-idx1-ubyte`), Buffer.concat([header(1, count), Uint8Array.from(labels)])); // prettier-ignore
  }
}

describe("supcon/evaluate.ts", () => {
  before(async () => {
    const { code, stderr } = await runCommand("train", [...tiny, "--epochs", "1", "--out", run]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    writeIdx(other, 200, 120);
  });

  const evaluate = async (...args: string[]) => {
    const ended = await runCommand("evaluate", [run, ...args]);
    assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" });
    const evaluation = readEvaluation(run);
    assert.ok(evaluation);
    return { ...ended, evaluation };
  };

  it("finds what the training has found, and tells it in tables", async () => {
    const byTraining = readEvaluation(run);
    assert.ok(byTraining);
    const { stdout, evaluation } = await evaluate();
    const { knn, ncm, linear, confusion } = evaluation;
    assert.deepEqual(confusion, byTraining.confusion);
    assert.equal(confusion.flat().reduce((a, b) => a + b), 100); // prettier-ignore
    const result = readJson(run, "result.json");
    const found = [linear.sgd.top1, linear.sgd.ece, linear.lbfgs.top1, knn.top1, ncm.cosine.top1];
    const names = ["linearTop1", "ece", "lbfgsTop1", "knnTop1", "nearestMeanTop1"];
    assert.deepEqual(names.map((name) => result[name]), found); // prettier-ignore
    for (const part of [/^linear, L-BFGS, \d+ steps +[\d.]+ %/m, /^nearest class mean, cosine/m, /mistaken for/]) assert.match(stdout, part); // prettier-ignore
  });

  it("adds fine-tuning and errors on damaged images, which compare with themselves as 1", async () => {
    const parts = ["--with", "fine-tuning", "corruptions", "--corruption-images", "20", "--fine-tuning-epochs", "1"]; // prettier-ignore
    const { stdout, evaluation } = await evaluate(...parts);
    const { fineTuned, corruptions } = evaluation;
    assert.equal(fineTuned?.epochs, 1);
    assert.equal(corruptions?.images, 20);
    assert.equal(Object.keys(corruptions.byName).length, 18, "grey images have no saturation");
    assert.match(stdout, /^frost \(non-standard\)/m);
    assert.match(stdout, /errors in % on 20 damaged test images/);
    const { stdout: compared, evaluation: later } = await evaluate("--baseline", run);
    assert.deepEqual(later.fineTuned, fineTuned, "what was found before stays");
    assert.ok(Math.abs((later.corruptions?.comparison?.mce ?? 0) - 1) < 1e-12);
    assert.match(compared, /mCE 100.00 %/);
  });

  it("judges on another data set, beside its own", async () => {
    const { evaluation, stdout } = await evaluate("--data", other, "--train-images", "60", "--test-images", "20", "--with", "fine-tuning", "--fine-tuning-epochs", "2"); // prettier-ignore
    const found = evaluation.transfer?.[other];
    assert.deepEqual([found?.trainImages, found?.testImages, found?.fineTuned?.epochs], [60, 20, 2]);
    assert.equal(evaluation.testImages, 100);
    assert.ok(stdout.includes(`transfer to ${other}: 60 training images`));
  });

  const refused: [name: string, args: () => string[], message: RegExp][] = [
    ["no run", () => [], /missing required argument 'run'/],
    ["a folder that is none", () => [folder], /config.json: expected a file of options, got none/],
    ["an unknown part", () => [run, "--with", "magic"], /Allowed choices are fine-tuning, corruptions/],
    ["a bad number", () => [run, "--corruption-images", "0"], /Expected an integer >= 1/],
    ["an option", () => [run, "--test-images", "5"], /--test-images: expected --data beside it/],
    ["damage to other data", () => [run, "--data", "mnist", "--with", "corruptions"], /--data: expected no corruptions/], // prettier-ignore
    [
      "a baseline",
      () => [run, "--baseline", folder],
      /expected errors on damaged images in .*, got none; npx/,
    ],
    ["other data", () => [run, "--data", folder], /train-images-idx3-ubyte: expected an IDX file/],
  ];
  for (const [name, args, message] of refused) {
    it(`refuses ${name}, in one line`, async () => {
      const { code, stdout, stderr } = await runCommand("evaluate", args());
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
    });
  }
});
