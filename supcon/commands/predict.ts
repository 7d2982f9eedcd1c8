import { join } from "node:path";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { selectImages } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { decodeImage } from "../data/image.ts";
import { dataKind } from "../data/names.ts";
import { encodeDataset } from "../evaluate/features.ts";
import { nearestNeighbours } from "../evaluate/knn.ts";
import type { Neighbour } from "../evaluate/knn.ts";
import { LinearClassifier } from "../evaluate/linear.ts";
import { readCheckpoint } from "../run/checkpoint.ts";
import { readFeatures } from "../run/features.ts";
import type { RunFeatures } from "../run/features.ts";
import { readTensors } from "../run/tensors.ts";
import { newCommand } from "./command.ts";
import { readRunConfig } from "./options.ts";
import type { TrainConfig } from "./options.ts";
import { integer } from "./parsers.ts";
import { count } from "../report/format.ts";
import { runFiles } from "./run-folder.ts";
import { dataOf, modelOf, policyOf } from "./setup.ts";

const about = `What a trained model makes of one image: the probability of each class, by the
linear classifier of the run, and the training images whose features are most
alike.

IMAGE is a file (JPEG, PNG, ...), brought to the size of the training images,
or test:7, which is test image 7 of the run. Digits of MNIST are bright on
dark: --invert is for a photograph of ink on paper.`;

const commandLine = () =>
  newCommand("npx tsx supcon/predict.ts", about)
    .argument("<image>", "image file, or test:N")
    .requiredOption("--run <dir>", "run folder of supcon/train.ts")
    .option("--neighbours <n>", "training images to list", integer(1), 5)
    .option("--invert", "exchange dark and bright in a file", false);

/** What is to be predicted, and by which run. */
export interface PredictCommand {
  readonly image: string;
  readonly run: string;
  readonly neighbours: number;
  readonly invert: boolean;
}

/** Reads the command line (without node and script). Throws as {@link parseTrainCommand} does. */
export function parsePredictCommand(args: readonly string[]): PredictCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  return { image: command.args[0] ?? "", ...command.opts() };
}

/**
 * The whole of `supcon/predict.ts`. Throws ValueError for a folder that holds no finished run, SafetensorsError for
 * damaged files, DataError for an image that cannot be decoded.
 */
export async function predict({ image, run, neighbours, invert }: PredictCommand): Promise<void> {
  const config = readRunConfig(run);
  const file = (name: keyof typeof runFiles) => join(run, runFiles[name]);
  const { model: weights } = readCheckpoint(file("checkpoint"));
  const known = readFeatures(file("features"));
  const { tensors: classifierState } = readTensors(file("classifier"));
  const dataset = await readImage(image, config, known, invert);

  const backend = await init({ backend: config.backend });
  try {
    using model = modelOf(config, known);
    model.loadStateDict(weights);
    const size = { features: model.features, classes: known.classes.length };
    using classifier = new LinearClassifier({ ...size, random: new Random(0) });
    classifier.loadStateDict(classifierState);

    const features = await encodeDataset(model, dataset, policyOf(config));
    const probabilities = [...(await classifier.probabilities(features))];
    console.log(
      `image     ${image}, as ${known.height} x ${known.width} x ${known.channels}\nrun       ${run}`,
    );
    printProbabilities(known.classes, probabilities);
    for await (const nearest of nearestNeighbours(known.train, features, { k: neighbours })) {
      printNeighbours(known, nearest);
    }
  } finally {
    await backend.destroy();
  }
}

/** The image as a data set of one. */
async function readImage(
  image: string,
  config: TrainConfig,
  { height, width, channels, classes }: RunFeatures,
  invert: boolean,
): Promise<ImageDataset> {
  const [, index] = /^test:(\d+)$/.exec(image) ?? [];
  const images =
    index === undefined
      ? await decodeImage(image, { height, width, channels }, { invert, fit: fitOf(config) })
      : await testImage(config, Number(index));
  return { name: image, count: 1, height, width, channels, images, labels: Int32Array.of(0), classes };
}

/** Grey data sets show things whole, on black; photographs fill their frame. */
const fitOf = ({ data }: TrainConfig): "contain" | "cover" =>
  ["mnist", "fashion-mnist", "idx"].includes(dataKind(data)) ? "contain" : "cover";

async function testImage(config: TrainConfig, index: number): Promise<Uint8Array> {
  const { test } = await dataOf(config);
  if (index < test.count) return selectImages(test, [index]).images;
  throw new ValueError(`predict: expected a test image from 0 to ${test.count - 1}, got test:${index}`);
}

/** At most so many classes are listed. */
const listed = 10;

function printProbabilities(classes: readonly string[], probabilities: readonly number[]): void {
  const rows = probabilities
    .map((probability, label) => ({ name: classes[label] ?? "", probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, listed);
  const width = Math.max(5, ...rows.map(({ name }) => name.length));
  console.log(`\n${"class".padEnd(width)}  probability`);
  for (const { name, probability } of rows) {
    const percent = `${(100 * probability).toFixed(2)} %`.padStart(11);
    console.log(`${name.padEnd(width)}  ${percent}  ${"█".repeat(Math.round(40 * probability))}`.trimEnd());
  }
}

function printNeighbours({ train, classes }: RunFeatures, nearest: readonly Neighbour[]): void {
  console.log(`\nnearest of ${count(train.count)} training images, by the cosine of their features`);
  const sorted = [...nearest].sort((a, b) => b.similarity - a.similarity);
  for (const { index, label, similarity } of sorted) {
    console.log(`${similarity.toFixed(4)}  ${classes[label] ?? ""}  (image ${count(index)})`);
  }
}
