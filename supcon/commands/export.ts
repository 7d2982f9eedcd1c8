import { join } from "node:path";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import type { ResNet } from "../../nn/index.ts";
import { reasonOf } from "../reason.ts";
import { readCheckpoint } from "../run/checkpoint.ts";
import { readFeatures } from "../run/features.ts";
import { writeTorchvision } from "../run/torchvision.ts";
import { newCommand } from "./command.ts";
import { readRunConfig } from "./options.ts";
import { runFiles } from "./run-folder.ts";
import { modelOf } from "./setup.ts";

const about = `Writes a run's encoder, without its projection head, as a safetensors file with
torchvision's names and layouts. In Python it loads by name:

  from safetensors.torch import load_file
  network.load_state_dict(load_file("encoder.safetensors"))

where network is torchvision's ResNet of that name without its classifier
(network.fc = torch.nn.Identity()), with a 3x3 convolution as conv1 and no
maxpool if the run's stem is cifar. The other way, supcon/train.ts
--encoder-weights starts from such a file.`;

const commandLine = () =>
  newCommand("npx tsx supcon/export.ts", about)
    .requiredOption("--run <dir>", "run folder of supcon/train.ts")
    .option("--out <file>", "file to write (default: encoder.safetensors in the run folder)");

/** Which run's encoder, and where to. */
export interface ExportCommand {
  readonly run: string;
  readonly out: string;
}

/** Reads the command line (without node and script). Throws as `parseTrainCommand` does. */
export function parseExportCommand(args: readonly string[]): ExportCommand {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const { run, out = join(run, "encoder.safetensors") } = command.opts();
  return { run, out };
}

/**
 * The whole of `supcon/export.ts`. Throws ValueError for a folder that holds no finished run and a file that cannot be
 * written, SafetensorsError for damaged files.
 */
export async function exportEncoder({ run, out }: ExportCommand): Promise<void> {
  const config = readRunConfig(run);
  const { model: weights } = readCheckpoint(join(run, runFiles.checkpoint));
  const images = readFeatures(join(run, runFiles.features));
  const backend = await init({ backend: "reference" });
  try {
    using model = modelOf(config, images);
    model.loadStateDict(weights);
    await write(out, model.encoder);
    console.log(`${out}: ${config.model}, ${model.features} features`);
  } finally {
    await backend.destroy();
  }
}

async function write(path: string, encoder: ResNet): Promise<void> {
  try {
    await writeTorchvision(path, encoder);
  } catch (cause) {
    throw new ValueError(`--out: expected a file that can be written, got ${path} (${reasonOf(cause)})`, {
      cause,
    });
  }
}
