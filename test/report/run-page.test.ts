/** The report of a run, on a sample that never was. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { HoverData } from "../../supcon/report/hover/data.ts";
import { runPage } from "../../supcon/report/run-page.ts";
import type { RunReport } from "../../supcon/report/run-page.ts";
import { postOf, skip } from "../browser/chromium.ts";
import { useReference } from "../kernels/helpers.ts";
import { parsePage } from "./dom.ts";
import * as sample from "./sample.ts";

const full: RunReport = {
  ...{ title: "Run <b>", facts: ["grey: <i>60</i> images"], config: { data: "folder:<u>", seed: 0, stem: undefined } },
  ...{ result: sample.result, metrics: sample.metrics, features: sample.features, images: sample.images },
  evaluation: { ...sample.evaluation, corruptions: sample.corruptions([0.1, 0.2, 0.3, 0.4, 0.5]) },
}; // prettier-ignore

const headings = (text: string) => parsePage(text).texts("h2, h3");

/** What the script is given. */
const hoverOf = (text: string) =>
  JSON.parse(/const hoverData = (.*);/.exec(text)?.[1] ?? "null") as HoverData;

describe("report of a run", () => {
  let page = "";
  before(async () => {
    useReference();
    page = await runPage(full);
  });

  it("has a section for all there is", () => {
    assert.deepEqual(headings(page), [
      ...["Accuracies", "On the run's own data"],
      ...[
        "Training",
        "Loss",
        "Accuracy in the batch",
        "Learning rate",
        "Hardness",
        "Alignment",
        "Uniformity",
      ],
      ...["Features", "Map of the test images", "Similarity of test images", "Nearest neighbours"],
      ...["Mistakes", "Confusion matrix", "Calibration"],
      ...["Damaged images", "Errors by kind of damage", "Errors and calibration by severity"],
      "Options",
    ]);
    const { texts } = parsePage(page);
    assert.deepEqual(texts(".tiles b"), ["90.00 %", "80.00 %", "70.00 %", "30.00 %", "0.050", "75 s"]);
    assert.ok(texts("li").includes(`${sample.classes[0]} taken for ${sample.classes[1]}: 3 of 10`));
  });

  it("escapes all names", () => {
    const { all, texts } = parsePage(page);
    assert.equal(all("script").length, 1, "only ours");
    assert.equal(all("b:not(.tiles b), i:not(.legend i, .ramp i), u, img").length, 0);
    assert.deepEqual(texts("h1"), ["Run <b>"]);
    for (const name of sample.classes) assert.ok(texts(".map button").includes(name), name);
    assert.equal(page.includes("alert(1)</script>"), false);
  });

  it("needs nothing but itself", () => {
    for (const [address] of page.matchAll(/(?<=(?:src|href)="|url\()[^"#)]{0,20}/g))
      assert.match(address, /^data:/);
    assert.doesNotMatch(page, /@import|\bfetch\(/);
  });

  it("has a dot, a label and an image for each test image, and cosines that the rows of features have", () => {
    const { classes, labels, sheet, similarity } = hoverOf(page);
    assert.deepEqual(classes, sample.classes);
    assert.equal(labels.length, 30);
    assert.equal(parsePage(page).all(".map circle").length, 30);
    assert.ok(sheet && sheet.columns * sheet.rows >= 30 && similarity);
    assert.deepEqual(similarity.points.map((point) => labels[point]).join(""), "0".repeat(10) + "1".repeat(10) + "2".repeat(10)); // prettier-ignore
    const bytes = Buffer.from(similarity.bytes, "base64");
    assert.equal(bytes.length, 900);
    for (let i = 0; i < 30; i++) assert.ok(bytes[31 * i]! >= 254, "each image is like itself");
    assert.ok(similarity.least > 0 && similarity.least < 0.6 && bytes.includes(0));
  });

  it("shows neighbours of the same class where features are well apart", () => {
    const { all } = parsePage(page);
    assert.equal(all(".neighbours").length, 3, "one for each class, and no mistakes");
    assert.equal(all(".neighbours .same").length, 24);
    assert.equal(all(".neighbours .other").length, 0);
  });

  it("is the same each time", async () => {
    assert.equal(await runPage(full), page);
  });

  it("leaves out what is not there, and says why there are no images", async () => {
    const { corruptions: _, ...evaluation } = full.evaluation!;
    assert.equal(headings(await runPage({ ...full, evaluation })).includes("Damaged images"), false);
    const little = await runPage({ ...full, evaluation: undefined, metrics: [], images: "no <b>data</b>" });
    assert.deepEqual(headings(little), ["Features", "Map of the test images", "Similarity of test images", "Options"]); // prettier-ignore
    assert.ok(parsePage(little).texts("p").some((text) => text.endsWith("Images are not shown: no <b>data</b>"))); // prettier-ignore
    assert.equal(hoverOf(little).sheet, null);
  });

  it("has no number that is none where all features are zero", async () => {
    const same = (split: "train" | "test") => ({ ...sample.features[split], values: sample.features[split].values.map(() => 0) }); // prettier-ignore
    const collapsed = { ...sample.features, train: same("train"), test: same("test") };
    const text = await runPage({ ...full, features: collapsed });
    assert.doesNotMatch(text, /NaN/);
  });

  it("shows the image under the pointer in a browser", { skip }, async () => {
    const script = `
      document.documentElement.innerHTML = ${JSON.stringify(page).replaceAll("</", "<\\/")};
      const code = document.querySelector("script").textContent;
      await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      const circle = document.querySelectorAll(".map circle")[7];
      const { x, y, width, height } = circle.getBoundingClientRect();
      const at = { clientX: x + width / 2, clientY: y + height / 2, bubbles: true };
      circle.dispatchEvent(new PointerEvent("pointermove", at));
      const tip = document.querySelector("#tip");
      const seen = [tip.hidden, tip.textContent, getComputedStyle(tip.querySelector(".tile")).backgroundPosition];
      document.querySelectorAll(".map button")[1].click();
      const on = document.querySelectorAll(".map circle.on").length;
      await fetch("/seen", { method: "POST", body: JSON.stringify([...seen, on]) });`;
    const { classes, labels, sheet } = hoverOf(page);
    const [hidden, text, position, on] = JSON.parse(await postOf(script)) as unknown[];
    assert.deepEqual([hidden, text, on], [false, classes[labels[7]!], 10]);
    const share = (place: number, count: number) => (100 * place) / (count - 1);
    const { columns, rows } = sheet!;
    const expected = [share(7 % columns, columns), share(Math.floor(7 / columns), rows)];
    const found = String(position).split(" ").map(parseFloat); // prettier-ignore
    expected.forEach((x, i) => { assert.ok(Math.abs(found[i]! - x) < 0.01, String(position)); }); // prettier-ignore
  });
});
