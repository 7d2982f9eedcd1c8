/** What `npx tsx supcon/evaluate.ts` can be told. */
import { Option } from "@commander-js/extra-typings";
import { ValueError } from "../../engine/errors.ts";
import { newCommand } from "./command.ts";
import { integer, nonNegative, positive } from "./parsers.ts";

const about = `Judges the encoder of a finished run on its test images, by all classifiers that
its frozen features can be given to: linear (by the run's optimiser, and by
L-BFGS to the optimum), k-NN and nearest class mean. Tells top-1 and top-5,
accuracies of classes, what is mistaken for what, and the expected calibration
error.

What takes longer is asked for by --with: fine-tuning (encoder and classifier
trained on together), corruptions (the linear classifier on images damaged in
19 ways and 5 severities, as CIFAR-10-C). --data judges on another data set.

What is found goes to evaluation.json in the run folder, beside what earlier
calls have found there.`;

const examples = `
Examples:
  npx tsx supcon/evaluate.ts runs/a
  npx tsx supcon/evaluate.ts runs/a --with fine-tuning corruptions
  npx tsx supcon/evaluate.ts runs/a --baseline runs/b      mCE of a against b, both measured before
  npx tsx supcon/evaluate.ts runs/a --data DIR --with fine-tuning

Exit codes: 0 done, 1 failed, 2 bad usage or data.`;

const parts = ["fine-tuning", "corruptions"] as const;

// prettier-ignore
const commandLine = () =>
  newCommand("npx tsx supcon/evaluate.ts", about)
    .addHelpText("after", examples)
    .argument("<run>", "run folder of supcon/train.ts")
    .addOption(new Option("--with <parts...>", "what else to do").choices(parts).default([] as readonly (typeof parts)[number][]))
    .option("--data <name>", "another data set, named as in supcon/train.ts, to judge on: transfer")
    .option("--train-images <n>", "with --data: its training images (default: as many as the run's)", integer(10))
    .option("--test-images <n>", "with --data: its test images (default: as many as the run's)", integer(1))
    .option("--baseline <run>", "run to compare errors on damaged images with")
    .option("--corruption-images <n>", "test images to damage", integer(1), 1000)
    .option("--fine-tuning-epochs <n>", "passes over the training images", integer(1), 3)
    .option("--fine-tuning-rate <rate>", "greatest learning rate of fine-tuning", positive, 0.1)
    .option("--l2 <factor>", "penalty on the weights of the classifier by L-BFGS", nonNegative, 1e-4)
    .option("--seed <n>", "of fine-tuning, damage and its images", integer(0), 0);

/** What is to be judged, and how. */
export type EvaluateCommand = ReturnType<typeof parseEvaluateCommand>;

/** Reads the command line (without node and script). Throws as `parseTrainCommand` does. */
export function parseEvaluateCommand(args: readonly string[]) {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const options = { run: command.args[0] ?? "", ...command.opts() };
  const refuse = (name: string, why: string) => {
    throw new ValueError(`--${name}: expected ${why}`);
  };
  if (options.data !== undefined) {
    const onOwn = options.baseline !== undefined || options.with.includes("corruptions");
    if (onOwn) refuse("data", "no corruptions and no baseline beside it; those are of the run's own images");
  } else {
    if (options.trainImages !== undefined) refuse("train-images", "--data beside it, whose images it counts");
    if (options.testImages !== undefined) refuse("test-images", "--data beside it, whose images it counts");
  }
  return options;
}
