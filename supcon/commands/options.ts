/** The options of a training: from the command line, a config file or a run folder, all of them decided. */
import { join } from "node:path";
import { ValueError } from "../../engine/errors.ts";
import { defaultPolicies } from "../augment/defaults.ts";
import { dataKind, imageSizeOf } from "../data/names.ts";
import type { EncoderName } from "../model.ts";
import { defaultTemperatures } from "../training/contrastive.ts";
import { applyConfig } from "./config.ts";
import { presets, trainCommandLine } from "./train-command-line.ts";

/** The options of a run, all of them decided. */
export type TrainConfig = ReturnType<typeof complete>;

/** What is to be done. */
export interface TrainCommand {
  readonly config: TrainConfig;
  /** The run folder, unless one is to be named by the time. */
  readonly out: string | undefined;
  /** To go on with the run in that folder. */
  readonly resume: boolean;
  /** To tell what the run would cost, and write nothing. */
  readonly dryRun: boolean;
  /** Steps whose kernels are to be timed. */
  readonly profile: number | undefined;
}

/** The paper's, but for resnet8, which is to be fast. */
const defaultWidth = (model: EncoderName): number =>
  model === "resnet8" ? 8 : model === "resnet20" ? 16 : 64;

/** Fills in what preset and loss decide, and leaves out what is not part of the run itself. */
function complete(options: ReturnType<ReturnType<typeof trainCommandLine>["opts"]>) {
  const { out, config, resume, dryRun, profile, ...rest } = options;
  const preset = presets[options.preset];
  const kind = dataKind(options.data);
  return {
    ...rest,
    imageSize: imageSizeOf(options.data, options.imageSize),
    trainImages: options.trainImages ?? (kind === "folder" ? ("all" as const) : preset.trainImages),
    crop: options.crop ?? defaultPolicies[kind].crop?.area[0] ?? 1,
    epochs: options.epochs ?? preset.epochs,
    temperature: options.temperature ?? defaultTemperatures[options.loss],
    width: options.width ?? defaultWidth(options.model),
  };
}

/**
 * Reads the command line (without node and script) and the config file that it names. Throws commander's CommanderError
 * for unknown options and values that are not allowed (after it has said so on stderr), and where help was asked for;
 * ValueError for a file with the like, and for values that do not fit each other.
 */
export function parseTrainCommand(args: readonly string[]): TrainCommand {
  const command = trainCommandLine();
  command.parse([...args], { from: "user" });
  const { resume, config: file, out, dryRun, profile, preset } = command.opts();
  if (resume !== undefined) {
    const other = command.options.find((option) => {
      const name = option.attributeName();
      return name !== "resume" && command.getOptionValueSource(name) === "cli";
    });
    if (other) {
      throw new ValueError(
        `--resume: expected no other option, got ${other.long}; a run goes on as it began`,
      );
    }
    applyConfig(command, join(resume, "config.json"));
  } else if (file !== undefined) {
    // A preset on the command line stands for the options that it decides, which then go before the file's.
    if (command.getOptionValueSource("preset") === "cli") {
      for (const [name, value] of Object.entries(presets[preset])) {
        if (command.getOptionValueSource(name) !== "cli")
          command.setOptionValueWithSource(name, value, "cli");
      }
    }
    applyConfig(command, file);
  }
  const config = complete(command.opts());
  const { batch, trainImages, warmup, epochs, linearWarmup, linearEpochs } = config;
  if (trainImages !== "all" && batch > trainImages) {
    throw new ValueError(`--batch: expected at most the ${trainImages} training images, got ${batch}`);
  }
  if (warmup > epochs) throw new ValueError(`--warmup: expected at most the ${epochs} epochs, got ${warmup}`);
  if (linearWarmup > linearEpochs) {
    throw new ValueError(`--linear-warmup: expected at most the ${linearEpochs} epochs, got ${linearWarmup}`);
  }
  return { config, out: resume ?? out, resume: resume !== undefined, dryRun, profile };
}

/** The options of the run in `folder`. Throws ValueError if it has no config.json, or one that does not fit. */
export const readRunConfig = (folder: string): TrainConfig =>
  parseTrainCommand(["--config", join(folder, "config.json")]).config;
