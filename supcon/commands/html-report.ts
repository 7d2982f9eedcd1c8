import { basename, join, resolve } from "node:path";
import { init } from "../../engine/backend.ts";
import { SpheregradError } from "../../engine/errors.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { count, duration } from "../report/format.ts";
import { runPage } from "../report/run-page.ts";
import { atomicWrite } from "../run/atomic.ts";
import { readFeatures } from "../run/features.ts";
import type { RunFeatures } from "../run/features.ts";
import { newCommand } from "./command.ts";
import { readFinishedConfig, readFinishedRun } from "./finished-run.ts";
import type { FinishedRun } from "./finished-run.ts";
import { stopwatch } from "./progress.ts";
import { aimOf, changesOf } from "./report.ts";
import { runFiles } from "./run-folder.ts";
import { dataOf } from "./setup.ts";

const about = `Writes report.html into the folder of a finished run: curves of the training, a
map of the test images, similarities, nearest neighbours, the confusion matrix,
calibration, and errors on damaged images where supcon/evaluate.ts has measured
them. One file, which opens without a network.

supcon/train.ts writes it at its end, and supcon/evaluate.ts with what it found.`;

const commandLine = () =>
  newCommand("npx tsx supcon/report.ts", about).argument("<run>", "run folder of supcon/train.ts");

/** Reads the command line (without node and script): the run's folder. Throws as `parseTrainCommand` does. */
export function parseReportCommand(args: readonly string[]): string {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  return command.processedArgs[0];
}

/**
 * The whole of `supcon/report.ts`. Throws ValueError for a folder that holds no finished run, SafetensorsError for damaged
 * files.
 */
export async function report(folder: string): Promise<void> {
  const { backend: name } = readFinishedConfig("report", folder);
  const backend = await init({ backend: name });
  try {
    console.log(await writeReport(folder));
  } finally {
    await backend.destroy();
  }
}

/**
 * Writes the report of a finished run, on the current backend; `images` are the run's, where they have been loaded. Where
 * they cannot be, it does without. Returns the path. Throws as {@link report} does.
 */
export async function writeReport(folder: string, images?: RunImages): Promise<string> {
  const run = readFinishedRun("report", folder);
  const path = join(folder, runFiles.report);
  using shown = stopwatch("images of the run");
  const features = readFeatures(join(folder, runFiles.features));
  const known = imagesOf(features, images ?? (await loadImages(run)));
  shown.show(path);
  const page = await runPage({
    ...{ ...run, features, images: known },
    ...{ title: `Run ${basename(resolve(folder))}`, facts: factsOf(run, features) },
  });
  atomicWrite(path, page);
  return path;
}

/** Images of a run. */
type RunImages = Readonly<Record<"train" | "test", ImageDataset>>;

const loadImages = ({ config }: FinishedRun): Promise<RunImages | string> =>
  dataOf(config).catch((error: unknown) => {
    if (error instanceof SpheregradError) return error.message;
    throw error;
  });

/** The images if they are those that the features are of. */
function imagesOf(features: RunFeatures, images: RunImages | string): RunImages | string {
  if (typeof images === "string") return images;
  const isSame = (["train", "test"] as const).every(
    (split) => Buffer.compare(bytesOf(images[split].labels), bytesOf(features[split].labels)) === 0,
  );
  return isSame ? images : "the data set is not any more what the run was trained on.";
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array) => new Uint8Array(buffer, byteOffset, byteLength); // prettier-ignore

/** What the run was, in a few lines. */
function factsOf({ config, result }: FinishedRun, features: RunFeatures): string[] {
  const { height, width, channels, train, test } = features;
  const { data, model, epochs, batch, views, seed, optimizer, learningRate, schedule } = config;
  return [
    `${data}: ${count(train.count)} training images${changesOf(config)}, ${count(test.count)} test images, ${height} × ${width} × ${channels}`,
    `${model}, width ${config.width}: ${count(result.parameters)} parameters, ${train.length} features`,
    `${aimOf(config)}; ${epochs} ${epochs === 1 ? "epoch" : "epochs"}, batches of ${batch} images × ${views} views, ${optimizer} at ${learningRate} (${schedule}), seed ${seed}`,
    `${result.backend}, ${result.threads} ${result.threads === 1 ? "thread" : "threads"}: ${duration(result.seconds)}, of which stage 1 ${duration(result.pretrainSeconds)}`,
  ];
}
