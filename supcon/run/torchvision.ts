/**
 * Weights of residual networks as PyTorch programs keep them: safetensors files with torchvision's names and layouts, as
 * `safetensors.torch.save_file(torchvision.models.resnet50().state_dict(), path)` writes them, and as
 * `model.load_state_dict(safetensors.torch.load_file(path))` reads them.
 */
import { batchCounter, fromTorchvision, StateDictError, toTorchvision } from "../../nn/index.ts";
import type { ResNet, StateTensor } from "../../nn/index.ts";
import { atomicWrite } from "./atomic.ts";
import { readBytes } from "./files.ts";
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from "./safetensors.ts";
import type { StoredTensor } from "./safetensors.ts";

/** What follows the running variance's name is the batch normalisation's counter. */
const variance = "running_var";

/**
 * Writes the weights and running statistics of a network as a whole. Throws the file system's error, leaving an older file
 * as it was.
 */
export async function writeTorchvision(path: string, network: ResNet): Promise<void> {
  const tensors = new Map<string, StoredTensor>(toTorchvision(await network.stateDict()));
  for (const name of network.namedBuffers().keys()) {
    if (!name.endsWith(variance)) continue;
    const counter = name.slice(0, -variance.length) + batchCounter;
    tensors.set(counter, { shape: [], data: BigInt64Array.of(0n) });
  }
  atomicWrite(path, encodeSafetensors({ tensors, metadata: { format: "pt" } }));
}

/**
 * Overwrites the weights and running statistics of a network with those in a file. The file's classifier is passed over
 * if the network has none. Throws ValueError if the file cannot be read, SafetensorsError if it is damaged or of other
 * element types, StateDictError, with every fault, before anything is changed, unless names and shapes are the network's.
 */
export function readTorchvision(path: string, network: ResNet): void {
  const { tensors } = decodeSafetensors(readBytes(path, "a safetensors file of weights"), path);
  const weights = new Map<string, StateTensor>();
  for (const [name, { shape, data }] of tensors) {
    if (name.endsWith(`.${batchCounter}`)) continue;
    if (!network.fc && name.startsWith("fc.")) continue;
    if (data instanceof BigInt64Array) {
      throw new SafetensorsError(`${path}: expected "${name}" in F32 or F64, got I64`);
    }
    weights.set(name, { shape, data });
  }
  try {
    network.loadStateDict(fromTorchvision(weights));
  } catch (error) {
    throw error instanceof StateDictError ? new StateDictError(`${path}: ${error.message}`, error) : error;
  }
}
