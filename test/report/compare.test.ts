/** Runs side by side: groups, figures, page. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { comparePage } from "../../supcon/report/compare/compare-page.ts";
import { groupBySeed, varied } from "../../supcon/report/compare/groups.ts";
import type { ComparedRun } from "../../supcon/report/compare/groups.ts";
import { measure, presentMeasures } from "../../supcon/report/compare/measures.ts";
import { formatGroups, notesOn } from "../../supcon/report/compare/table.ts";
import { parsePage } from "./dom.ts";
import * as sample from "./sample.ts";

/** A run with some options, and an accuracy of the linear classifier. */
function run(config: ComparedRun["config"], linearTop1 = 0.9, digest?: string): ComparedRun {
  const corruptions =
    digest === undefined ? undefined : sample.corruptions([0.1, 0.2, 0.3, 0.4, 0.5], digest);
  return {
    folder: `runs/${JSON.stringify(config)}`,
    config: { data: "mnist", temperature: 0.1, classBalanced: false, backend: "auto", seed: 0, ...config },
    result: { ...sample.result, linearTop1 },
    metrics: sample.metrics,
    evaluation: { ...sample.evaluation, ...(corruptions && { corruptions }) },
  };
}

describe("groupBySeed", () => {
  const names = (...runs: ComparedRun[]) => groupBySeed(runs).map(({ name, runs: { length } }) => `${name} (${length})`); // prettier-ignore

  it("puts together what differs by seed, and names groups by what else differs, in the order of runs", () => {
    const runs = [{ temperature: 0.5 }, {}, { temperature: 0.5, seed: 1 }, { seed: 1 }, { seed: 2 }].map((config) => run(config)); // prettier-ignore
    assert.deepEqual(names(...runs), ["--temperature 0.5 (2)", "--temperature 0.1 (3)"]);
  });

  it("names switches, what only one has, and nothing that is everywhere the same", () => {
    const found = names(run({ classBalanced: true, stem: "cifar" }), run({}), run({ stem: "cifar" }));
    assert.deepEqual(found, ["--class-balanced --stem cifar (1)", "(without) (1)", "--stem cifar (1)"]);
    assert.deepEqual(names(run({}), run({ seed: 1 })), ["(all runs) (2)"]);
  });

  it("takes presets and auto for what they stand for", () => {
    assert.deepEqual(names(run({ preset: "minute" }), run({ preset: "full", backend: "cpu" })), ["(all runs) (2)"]); // prettier-ignore
  });

  it("refuses other data, and a run given twice", () => {
    assert.throws(() => groupBySeed([run({}), run({ data: "cifar10" })]), (error) => error instanceof ValueError && error.message.startsWith("compare: expected runs on one data set, got mnist in runs/{} and cifar10 in ")); // prettier-ignore
    assert.throws(
      () => groupBySeed([run({}), run({})]),
      /compare: expected each run once, got runs\/{} twice/,
    );
  });
});

describe("measures", () => {
  const groups = groupBySeed([run({}, 0.8), run({ seed: 1 }, 0.9), run({ temperature: 1 }, 0.5, "d")]);

  it("are means and standard deviations of the sample", () => {
    const { mean, deviation } = measure("linear", groups[0]!)!;
    assert.ok(Math.abs(mean - 0.85) < 1e-12);
    assert.ok(Math.abs(deviation! - 0.1 / Math.SQRT2) < 1e-12);
    assert.equal(measure("linear", groups[1]!)!.deviation, undefined, "one run has none");
  });

  it("are missing unless all runs of a group have them", () => {
    assert.equal(measure("corruption", groups[0]!), undefined);
    assert.ok(Math.abs(measure("corruption", groups[1]!)!.mean - 0.3) < 1e-12);
    assert.deepEqual(presentMeasures(groups), ["linear", "knn", "nearestMean", "ece", "corruption", "seconds"]); // prettier-ignore
  });

  it("stand in a table with what must be known of them", () => {
    const lines = formatGroups(groups, ["linear", "ece", "corruption", "seconds"]).split("\n");
    assert.deepEqual(lines.map((line) => line.split(/ {2,}/)), [
      ["variant", "seeds", "linear", "ECE", "damaged", "time"],
      ["--temperature 0.1", "2", "85.00 ± 7.07 %", "0.0500 ± 0.0000", "75 s"],
      ["--temperature 1", "1", "50.00 %", "0.0500", "30.00 %", "75 s"],
    ]); // prettier-ignore
    assert.deepEqual(notesOn(groups), ["± is the standard deviation over seeds."]);
    assert.deepEqual(notesOn(groupBySeed([run({}, 1, "d"), run({ temperature: 1 }, 1, "e")])), ["Not all runs were damaged on the same test images."]); // prettier-ignore
  });
});

describe("comparePage", () => {
  const headings = (text: string) => parsePage(text).texts("h2, h3");

  it("has charts of what the runs have, against the number in which they differ", () => {
    const groups = groupBySeed([run({}), run({ temperature: 1, seed: 1 }), run({ temperature: 0.05 })]);
    assert.deepEqual(varied(groups), { option: "temperature", values: [0.1, 1, 0.05] });
    const text = comparePage("Sweep", groups);
    assert.deepEqual(headings(text), [
      ...["Side by side", "Figures", "Linear classifier", "k-NN", "Nearest class mean"],
      ...["Calibration error (linear)", "Time", "Training", "Loss", "Accuracy in the batch", "Learning rate"],
      ...["Hardness of positives", "Hardness of negatives", "Alignment", "Uniformity", "Runs"],
    ]);
    const labels = parsePage(text).all("svg").map((svg) => svg.getAttribute("aria-label")); // prettier-ignore
    assert.ok(labels.includes("k-NN against temperature") && labels.includes("Loss against epochs"));
    for (const tick of ["0.05", "0.1", "1"]) assert.ok(parsePage(text).texts("text").includes(tick), tick);
  });

  it("has a line for each variant where they differ otherwise, and escapes their names", () => {
    const groups = groupBySeed([run({ loss: "<i>" }, 0.9, "d"), run({ loss: "supcon" }, 0.9, "d")]);
    assert.equal(varied(groups), undefined);
    const text = comparePage("Sweep <b>", groups);
    const { all, texts } = parsePage(text);
    assert.equal(all("b, script, i:not(.legend i)").length, 0);
    assert.deepEqual(texts("tbody td:first-child").slice(0, 2), ["--loss <i>", "--loss supcon"]);
    assert.ok(texts("text").includes("--loss <i>"));
    assert.ok(headings(text).includes("Error by kind of damage"));
  });

  it("numbers variants whose names are too long for a chart", () => {
    const options = { encoderWeights: "a/long/path/to/weights.safetensors", model: "resnet18" };
    const text = comparePage("Sweep", groupBySeed([run(options), run({})]));
    assert.deepEqual(parsePage(text).texts("tbody td:first-child").slice(0, 2).map((name) => name.slice(0, 3)), ["1: ", "2: "]); // prettier-ignore
  });
});
