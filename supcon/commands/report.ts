/** What the command says at its start and at its end. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../../engine/backend.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { SupConModel } from "../model.ts";
import { count } from "../report/format.ts";
import type { TrainResult } from "../run/result.ts";
import type { RunData } from "./run-data.ts";
import type { TrainConfig } from "./options.ts";
import type { Pretraining } from "./pretrain.ts";
import { runFiles } from "./run-folder.ts";

/** Says what is about to run, and on what. */
export function printStart(
  config: TrainConfig,
  backend: Backend,
  { train: images, test, trainAvailable }: RunData,
  model: SupConModel,
  { bounds, stepsPerEpoch }: Pretraining,
  path: string,
): void {
  const { batch, views, epochs } = config;
  const { height, width, channels } = images;
  const range = bounds
    ? `\n          for a batch like the first: never below ${bounds.floor.toFixed(2)}; ${bounds.collapsed.toFixed(2)} where all images are alike`
    : "";
  console.log(`backend   ${backend.describe()}
data      ${config.data}: ${count(images.count)} of ${count(trainAvailable)} training images${changesOf(config)}, ${count(test.count)} test images, ${height} x ${width} x ${channels}
model     ${config.model}, width ${config.width}, ${model.features} features, projected to ${model.dim}: ${count(parameterCount(model))} parameters
stage 1   ${aimOf(config)}: ${epochs} ${epochs === 1 ? "epoch" : "epochs"} of ${stepsPerEpoch} batches of ${batch} images x ${views} views${range}
stage 2   linear classifier (${config.linearEpochs} epochs) and k-NN (k = ${config.k}) on the frozen encoder
run       ${path}`);
}

/** What is done to the training images. */
export function changesOf({ trainShare, imbalance, labelNoise }: TrainConfig): string {
  const changes = [
    ...(trainShare < 1 ? [`${(100 * trainShare).toFixed(1)} % of each class`] : []),
    ...(imbalance > 1 ? [`a long tail of ${imbalance} to 1`] : []),
    ...(labelNoise > 0 ? [`${(100 * labelNoise).toFixed(1)} % of labels drawn anew`] : []),
  ];
  return changes.length > 0 ? ` (${changes.join(", ")})` : "";
}

/** What stage 1 minimises. */
export function aimOf({ form, loss, temperature, queue, keyMomentum }: TrainConfig): string {
  if (form === "cross-entropy") return "cross-entropy";
  const memory = queue > 0 ? `, ${count(queue)} keys of earlier batches` : "";
  const encoder = keyMomentum === undefined ? "" : `, keys of a momentum encoder (${keyMomentum})`;
  const beside =
    form === "two-stage" ? "" : form === "joint" ? " with cross-entropy" : " beside a classifier";
  return `${loss} loss at temperature ${temperature}${memory}${encoder}${beside}`;
}

/** The accuracies, and where the rest is. */
export function printEnd({ k }: TrainConfig, result: TrainResult, path: string): void {
  const percent = (x: number) => `${(100 * x).toFixed(2).padStart(6)} %`;
  console.log(`
                       top-1
linear classifier   ${percent(result.linearTop1)}
the same, L-BFGS    ${percent(result.lbfgsTop1)}${result.classifierTop1 === undefined ? "" : `\nof stage 1          ${percent(result.classifierTop1)}`}
k-NN, k = ${String(k).padEnd(8)}  ${percent(result.knnTop1)}
nearest class mean  ${percent(result.nearestMeanTop1)}

${result.seconds.toFixed(0)} s in all; ${path} has ${readdirSync(path).join(", ")}

open ${join(path, runFiles.report)} in a browser for pictures of it
npx tsx supcon/predict.ts test:0 --run ${path} classifies a test image, or a picture of yours
npx tsx supcon/evaluate.ts ${path} tells more of the encoder`);
}

/** What an evaluation is of. */
export const describeData = (
  data: string,
  {
    train,
    test,
    classes,
  }: Record<"train" | "test", Pick<ImageDataset, "count">> & Pick<ImageDataset, "classes">,
) => ({ data, classes, trainImages: train.count, testImages: test.count });

/** Numbers that are trained. */
export const parameterCount = (model: SupConModel): number =>
  model.parameters().reduce((total, { size }) => total + size, 0);
