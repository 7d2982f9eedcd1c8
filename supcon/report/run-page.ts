/** The report of a run: all pictures, in one file. */
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { Evaluation } from "../run/evaluation.ts";
import type { RunFeatures } from "../run/features.ts";
import type { Metrics } from "../run/metrics.ts";
import type { TrainResult } from "../run/result.ts";
import { duration, percent } from "./format.ts";
import { hoverScript } from "./hover/script.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { page, section, table } from "./page.ts";
import { accuraciesSection } from "./pictures/accuracies.ts";
import { calibrationFigure } from "./pictures/calibration.ts";
import { confusionFigure } from "./pictures/confusion.ts";
import { corruptionsSection } from "./pictures/corruptions.ts";
import { curvesSection } from "./pictures/curves.ts";
import { embeddingMapFigure } from "./pictures/embedding-map.ts";
import { findNeighbours, neighboursFigure } from "./pictures/neighbours.ts";
import { compareImages, hoverSimilarity, similarityFigure } from "./pictures/similarity.ts";
import { choosePoints } from "./points.ts";
import { drawSheet, sheetStyle } from "./sheet.ts";
import type { Picked } from "./sheet.ts";
import { imageStyle } from "./style.ts";

/** What a run has left, and what is known of it. */
export interface RunReport {
  readonly title: string;
  /** One line each. */
  readonly facts: readonly string[];
  readonly config: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly result: TrainResult;
  readonly metrics: readonly Metrics[];
  /** Missing from runs that were not evaluated. */
  readonly evaluation: Evaluation | undefined;
  readonly features: RunFeatures;
  /** The images that the features are of, or why they are not at hand. */
  readonly images: { readonly train: ImageDataset; readonly test: ImageDataset } | string;
}

/** The page's text. What is chosen at random is the same each time. On the current backend. */
export async function runPage(report: RunReport): Promise<string> {
  const { title, facts, config, result, metrics, evaluation } = report;
  const { section: ofFeatures, script, style } = await featuresSection(report);
  const options = Object.entries(config).map(([name, value]) => [name, String(value)]);
  return page({
    ...{ title, facts, style: imageStyle + style },
    body: [
      tiles(result, evaluation),
      evaluation && accuraciesSection(evaluation),
      curvesSection(metrics),
      ofFeatures,
      evaluation &&
        section("Mistakes", "What the linear classifier makes of the test images.", [
          confusionFigure(evaluation),
          calibrationFigure(evaluation),
        ]),
      corruptionsSection(evaluation?.corruptions),
      html`<section>
        <h2>Options</h2>
        <details>
          <summary>all of them</summary>
          ${table([["option", "value"], ...options])}
        </details>
      </section>`,
      script,
    ],
  });
}

/** The figures that one asks for first. */
function tiles(result: TrainResult, evaluation: Evaluation | undefined): Html {
  const { linearTop1, knnTop1, nearestMeanTop1, ece, seconds } = result;
  const entries: (readonly [string, string])[] = [
    [percent(linearTop1), "linear classifier, top-1"],
    [percent(knnTop1), "k-NN, top-1"],
    [percent(nearestMeanTop1), "nearest class mean, top-1"],
    ...(evaluation?.fineTuned ? [[percent(evaluation.fineTuned.top1), "fine-tuned, top-1"] as const] : []),
    ...(evaluation?.corruptions
      ? [[percent(evaluation.corruptions.meanError), "mean error on damaged images"] as const]
      : []),
    [ece.toFixed(3), "calibration error"],
    [duration(seconds), "in all"],
  ];
  return html`<div class="tiles">
    ${entries.map(([value, name]) => html`<div><b>${value}</b><span>${name}</span></div>`)}
  </div> `;
}

/** Pictures of features, with the style and the script that their images need. */
async function featuresSection({ features, images }: RunReport) {
  const random = new Random(0);
  const points = await choosePoints(features, random.fork(0));
  const similarities = await compareImages(points);
  const map = await embeddingMapFigure(points, typeof images !== "string", random.fork(1));
  const matrix = await similarityFigure(points, similarities);
  const found = typeof images === "string" ? [] : await findNeighbours(features, points);
  const trainIndices = [...new Set(found.flatMap(({ nearest }) => nearest.map(({ index }) => index)))];
  const picked =
    typeof images === "string"
      ? []
      : [
          ...points.indices.map((index): Picked => ({ dataset: images.test, index })),
          ...trainIndices.map((index): Picked => ({ dataset: images.train, index })),
        ];
  const [first, ...others] = picked;
  const sheet = first && (await drawSheet([first, ...others]));
  const tileOf = (index: number) => points.count + trainIndices.indexOf(index);
  const neighbours = sheet && neighboursFigure(found, features.classes, sheet, tileOf);
  const lead = "What the frozen encoder makes of images it was not trained on: its features, before the projection head, are what all classifiers work with."; // prettier-ignore
  const missing = typeof images === "string" ? ` Images are not shown: ${images}` : "";
  return {
    section: section("Features", lead + missing, [map, matrix, neighbours]),
    style: sheet ? sheetStyle(sheet) : "",
    script: hoverScript({
      ...{ classes: features.classes, sheet: sheet ?? null, labels: points.labels },
      similarity: hoverSimilarity(similarities),
    }),
  };
}
