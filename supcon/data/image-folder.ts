import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";
import type { OnProgress } from "./download.ts";
import { decodeImage } from "./image.ts";
import { DEFAULT_IMAGE_SIZE } from "./names.ts";
import { reasonOf } from "../reason.ts";

/** What an image's name ends in. Other files, such as lists or notes, are passed over. */
const isImage = (name: string): boolean => /^[^.].*\.(jpe?g|png|webp|gif|tiff?|avif|svg)$/i.test(name);

/** Of each class, where the folder says nothing of what is to test on. */
const TEST_SHARE = 0.2;

/** Images decoded at a time. */
const AT_ONCE = 8;

/** Labelled images by their paths. */
interface Listing {
  readonly classes: readonly string[];
  readonly files: readonly { readonly path: string; readonly label: number }[];
}

/**
 * Reads class sub-folders of images, PATH/train/CLASS and PATH/test/CLASS (or PATH/val/CLASS), or PATH/CLASS alone, of which
 * a fifth of each class, the same each time, is then to test on. Images are made `side` x `side` x 3: the shorter side is
 * scaled to `side`, the middle of the longer one kept.
 *
 * @throws DataError for a folder that is missing or has no such sub-folders, a class without images, classes that differ
 * between the two parts, and images that do not decode.
 */
export async function loadImageFolder(
  path: string,
  side = DEFAULT_IMAGE_SIZE,
  onProgress?: OnProgress,
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  const { train, test } = listParts(path);
  const total = train.files.length + test.files.length;
  return {
    train: await decode(`${path} (train)`, train, side, (done) => onProgress?.(done, total)),
    test: await decode(`${path} (test)`, test, side, (done) =>
      onProgress?.(train.files.length + done, total),
    ),
  };
}

function listParts(path: string): { train: Listing; test: Listing } {
  const train = join(path, "train");
  if (!existsSync(train)) return split(list(path), path);
  const test = ["test", "val"].map((name) => join(path, name)).find((folder) => existsSync(folder));
  if (test === undefined) {
    throw new DataError(`${path}: expected test or val beside train, found neither; what is to test on?`);
  }
  const parts = { train: list(train), test: list(test) };
  const names = (listing: Listing): string => listing.classes.join(", ");
  if (names(parts.train) !== names(parts.test)) {
    throw new DataError(
      `${test}: expected the classes of ${train} (${names(parts.train)}), got ${names(parts.test)}`,
    );
  }
  return parts;
}

function list(path: string): Listing {
  const classes = entries(path)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
  if (classes.length < 2) {
    throw new DataError(
      `${path}: expected a sub-folder of images for each class, at least two, found ${classes.length}`,
    );
  }
  const files = classes.flatMap((name, label) => {
    const folder = join(path, name);
    const images = entries(folder)
      .filter((entry) => !entry.isDirectory() && isImage(entry.name))
      .map((entry) => entry.name)
      .sort();
    if (images.length === 0) {
      throw new DataError(
        `${folder}: expected images (JPEG, PNG, WebP, ...) of the class "${name}", found none; add some or remove the folder`,
      );
    }
    return images.map((image) => ({ path: join(folder, image), label }));
  });
  return { classes, files };
}

function entries(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    throw new DataError(`${path}: expected a folder that can be read, got none (${reasonOf(cause)})`, {
      cause,
    });
  }
}

/** Sets a share of each class apart, by a fixed seed. */
function split({ classes, files }: Listing, path: string): { train: Listing; test: Listing } {
  const forTest = new Set<string>();
  for (const [label, name] of classes.entries()) {
    const own = files.filter((file) => file.label === label);
    if (own.length < 2) {
      throw new DataError(
        `${join(path, name)}: expected at least 2 images, to train and to test on, found ${own.length}`,
      );
    }
    new Random(0).fork(label).shuffle(own);
    const count = Math.max(1, Math.round(TEST_SHARE * own.length));
    for (const file of own.slice(0, count)) forTest.add(file.path);
  }
  return {
    train: { classes, files: files.filter((file) => !forTest.has(file.path)) },
    test: { classes, files: files.filter((file) => forTest.has(file.path)) },
  };
}

async function decode(
  name: string,
  { classes, files }: Listing,
  side: number,
  onDecoded: (done: number) => void,
): Promise<ImageDataset> {
  const shape = { height: side, width: side, channels: 3 };
  const size = shape.height * shape.width * shape.channels;
  const images = new Uint8Array(files.length * size);
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const some = files.slice(start, start + AT_ONCE);
    const decoded = await Promise.all(some.map((file) => decodeImage(file.path, shape, { fit: "cover" })));
    for (const [i, image] of decoded.entries()) images.set(image, (start + i) * size);
    onDecoded(start + some.length);
  }
  const labels = Int32Array.from(files, ({ label }) => label);
  return { name, count: files.length, ...shape, images, labels, classes };
}
