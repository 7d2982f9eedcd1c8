import type { Elements } from "../../engine/backend.ts";
import type { StateTensor } from "../../nn/index.ts";
import type { ImageShape } from "../data/dataset.ts";
import type { LabelledFeatures } from "../evaluate/features.ts";
import { SafetensorsError } from "./safetensors.ts";
import { readTensors, writeTensors } from "./tensors.ts";

/** What an encoder made of a run's images. */
export interface RunFeatures extends ImageShape {
  readonly train: LabelledFeatures;
  readonly test: LabelledFeatures;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
}

const SPLITS = ["train", "test"] as const;

/** Writes features as `train.features`, `train.labels`, `test.features` and `test.labels`, with what the images are. */
export function writeFeatures(path: string, features: RunFeatures): void {
  const { height, width, channels, classes } = features;
  const tensors = new Map<string, StateTensor<Elements>>();
  for (const split of SPLITS) {
    const { values, labels, count, length } = features[split];
    tensors.set(`${split}.features`, { shape: [count, length], data: values });
    tensors.set(`${split}.labels`, { shape: [count], data: labels });
  }
  writeTensors(path, {
    tensors,
    metadata: { images: JSON.stringify([height, width, channels]), classes: JSON.stringify(classes) },
  });
}

/** Reads what {@link writeFeatures} wrote. Throws ValueError for a missing file, SafetensorsError for a damaged one. */
export function readFeatures(path: string): RunFeatures {
  const { tensors, metadata } = readTensors(path);
  const refuse = (what: string): never => {
    throw new SafetensorsError(`${path}: expected ${what}, got something else; damaged file`);
  };
  const list = <T>(name: string, isElement: (value: unknown) => value is T): T[] => {
    const found = parseJson(metadata[name]);
    return Array.isArray(found) && found.every(isElement) ? found : refuse(`a list "${name}"`);
  };
  const classes = list("classes", (value) => typeof value === "string");
  const [height, width, channels] = list("images", (value) => typeof value === "number");
  if (height === undefined || width === undefined || channels === undefined) return refuse("an image shape");
  const ofSplit = (split: (typeof SPLITS)[number]): LabelledFeatures => {
    const features = tensors.get(`${split}.features`);
    const labels = tensors.get(`${split}.labels`);
    const [count, length] = features?.shape ?? [];
    if (!(features?.data instanceof Float32Array) || !(labels?.data instanceof Int32Array)) {
      return refuse(`${split}.features in F32 and ${split}.labels in I32`);
    }
    if (count === undefined || length === undefined || labels.data.length !== count) {
      return refuse(`${split}.features of two axes, each with a label`);
    }
    return { values: features.data, labels: labels.data, count, length, classes: classes.length };
  };
  return { height, width, channels, classes, train: ofSplit("train"), test: ofSplit("test") };
}

function parseJson(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
