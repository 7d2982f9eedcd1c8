import { ValueError } from "../../engine/errors.ts";

/** Data sets that have a name of their own. */
export const datasetNames = ["mnist", "fashion-mnist", "cifar10", "cifar100", "shapes"] as const;

/** Name of such a data set. */
export type DatasetName = (typeof datasetNames)[number];

/** What the text of `--data` stands for: a named data set, class folders of images, or a folder with four IDX files. */
export type DataKind = DatasetName | "folder" | "idx";

/** How the path of a folder of images is marked: `folder:PATH`. */
export const FOLDER_MARK = "folder:";

/** Height and width that images of folders are brought to, if nothing is said. */
export const DEFAULT_IMAGE_SIZE = 32;

/**
 * The size of images of `data`, of which `given` was asked for: that or the default for folders, undefined for all others,
 * which have a size. Throws ValueError if they are to get another.
 */
export function imageSizeOf(data: string, given: number | undefined): number | undefined {
  if (dataKind(data) === "folder") return given ?? DEFAULT_IMAGE_SIZE;
  if (given === undefined) return undefined;
  throw new ValueError(`--image-size: expected ${FOLDER_MARK}PATH, whose images it is of, got ${data}`);
}

/** What `data`, such as cifar10, folder:PATH or a path, stands for. */
export const dataKind = (data: string): DataKind =>
  datasetNames.find((name) => name === data) ?? (data.startsWith(FOLDER_MARK) ? "folder" : "idx");
