import { Option } from "@commander-js/extra-typings";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { defaultRandAugment, policyNames } from "../augment/policies.ts";
import { MAX_JITTER } from "../augment/policy.ts";
import { MAX_MAGNITUDE } from "../augment/rand-augment.ts";
import { makeViews } from "../augment/views.ts";
import { reasonOf } from "../reason.ts";
import { atomicWrite } from "../run/atomic.ts";
import { newCommand } from "./command.ts";
import { drawSheet } from "./contact-sheet.ts";
import type { Tile } from "./contact-sheet.ts";
import { parseTrainCommand } from "./options.ts";
import type { TrainConfig } from "./options.ts";
import { integer, share, upTo } from "./parsers.ts";
import { dataOf, policyOf } from "./setup.ts";

const about = `Draws a contact sheet: images of a data set in the first column, random views of
them beside it, as supcon/train.ts sees them with the same --policy.

default             the data set's own: crop, and for colour images flip, colour
                    jitter and grayscale (SupContrast's); digits are not flipped
none                the images as they are
crop-flip           crop and flip alone
simaugment          default and Gaussian blur, half of the time (SimCLR)
autoaugment         crop, flip; one of the 25 pairs of operations found for
                    CIFAR-10
randaugment         crop, flip; operations drawn from 16, all of one strength
stacked-randaugment simaugment with randaugment after the jitter
cutout              crop, flip; a square of half the side takes the mean colour

What shears, shifts and turns leave open is filled with grey, in images of one
channel with black. Operations on colour leave these as they are.`;

const examples = `
Examples:
  npx tsx supcon/augment.ts --policy stacked-randaugment
  npx tsx supcon/augment.ts --policy randaugment --rand-magnitude 5 --out weak.png
  npx tsx supcon/augment.ts --policy default --crop 0.2 --images 20 --views 12`;

// prettier-ignore
const commandLine = () =>
  newCommand("npx tsx supcon/augment.ts", about)
    .addHelpText("after", examples)
    .option("--data <name>", "as of supcon/train.ts", "mnist")
    .addOption(new Option("--policy <name>", "how views are drawn").choices(policyNames).default("default" as const))
    .option("--rand-layers <n>", "operations in a row", integer(1, 16), defaultRandAugment.layers)
    .option("--rand-magnitude <m>", `their strength, 0 to ${MAX_MAGNITUDE}`, upTo(MAX_MAGNITUDE), defaultRandAugment.magnitude)
    .option("--crop <area>", "least share of an image that a view shows (default: as of supcon/train.ts)", share)
    .option("--jitter <factor>", "on the strength of the colour jitter", upTo(MAX_JITTER), 1)
    .option("--images <n>", "rows: images, every class equally often", integer(1, 100), 10)
    .option("--views <n>", "columns: views of each", integer(1, 100), 10)
    .option("--seed <n>", "of everything random", integer(0), 0)
    .option("--out <file>", "PNG to write", "views.png");

/** What is to be drawn, and where to. */
export interface AugmentCommand {
  /** Of a training that would see such views. */
  readonly config: TrainConfig;
  readonly images: number;
  readonly views: number;
  readonly out: string;
}

/** Reads the command line (without node and script). Throws as {@link parseTrainCommand} does. */
export function parseAugmentCommand(args: readonly string[]): AugmentCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const { images, views, out, ...shared } = command.opts();
  const train = {
    ...{ data: shared.data, policy: shared.policy, seed: shared.seed, crop: shared.crop },
    jitter: shared.jitter,
    ...{ "rand-layers": shared.randLayers, "rand-magnitude": shared.randMagnitude },
    ...{ "train-images": Math.max(10, images), "test-images": 1, batch: 2 },
  };
  const given = Object.entries(train).filter(([, value]) => value !== undefined);
  const { config } = parseTrainCommand(given.flatMap(([name, value]) => [`--${name}`, String(value)]));
  return { config, images, views, out };
}

/**
 * The whole of `supcon/augment.ts`. Throws DataError for data that is missing or damaged, ValueError for a policy that does not
 * fit the images and a file that cannot be written.
 */
export async function augmentSheet({ config, images, views, out }: AugmentCommand): Promise<void> {
  const { train: dataset } = await dataOf(config);
  const policy = policyOf(config);
  const { mean, std } = policy;
  const { height, width, channels, labels, classes } = dataset;
  const size = height * width * channels;
  const shown = Int32Array.from({ length: images }, (_, i) => i);
  const made = makeViews(dataset, shown, views, policy, new Random(config.seed));
  const bytes = made.map((x, i) => 255 * (x * (std[i % channels] ?? 1) + (mean[i % channels] ?? 0)));
  const tile = (pixels: Uint8ClampedArray | Uint8Array): Tile => ({ height, width, channels, pixels });
  const rows = Array.from(shown, (i) => ({
    label: classes[labels[i] ?? 0] ?? "",
    tiles: [
      tile(dataset.images.subarray(i * size, (i + 1) * size)),
      ...Array.from({ length: views }, (_, v) =>
        tile(Uint8ClampedArray.from(bytes.subarray((i * views + v) * size, (i * views + v + 1) * size))),
      ),
    ],
  }));
  const columns = ["original", ...Array.from({ length: views }, (_, v) => String(v + 1))];
  const title = `${config.data}: ${config.policy}`;
  const png = await drawSheet({ title, columns, rows });
  try {
    atomicWrite(out, png);
  } catch (cause) {
    throw new ValueError(`--out: expected a file that can be written, got ${out} (${reasonOf(cause)})`, {
      cause,
    });
  }
  console.log(`${out}: ${images} images of ${config.data}, ${views} views of each by ${config.policy}`);
}
