import type { Elements } from "../../engine/backend.ts";
import type { StateDict } from "../../nn/index.ts";
import { joinStates, stateOf } from "../training/states.ts";
import { SafetensorsError } from "./safetensors.ts";
import { readTensors, writeTensors } from "./tensors.ts";

/** How far a training has come. With weights, optimiser and options it decides all that follows. */
export interface Position {
  /** Steps done. */
  readonly step: number;
  /** Of the epoch that has begun: its losses so far, and the time that they took. */
  readonly lossSum: number;
  readonly seconds: number;
}

/** All that a run needs to go on, beside its options. */
export interface Checkpoint {
  readonly model: StateDict<Elements>;
  /** All that is learned or remembered beside it: the optimiser's velocities, a classifier, a queue. */
  readonly training: StateDict<Elements>;
  readonly position: Position;
  /** Time that stage 1 has taken. */
  readonly seconds: number;
  /** On what it ran: elsewhere the last bits may differ. */
  readonly machine: string;
}

/**
 * All is in one file, so that weights and optimiser always are of one step. Other programs find the model's tensors under
 * their own names, and may pass over these.
 */
const TRAINING = "training";

/** Writes a checkpoint as a whole. Throws the file system's error, leaving an older one as it was. */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const { model, training, position, seconds, machine } = checkpoint;
  writeTensors(path, {
    tensors: new Map([...model, ...joinStates(new Map([[TRAINING, training]]))]),
    metadata: {
      step: String(position.step),
      epochLossSum: String(position.lossSum),
      epochSeconds: String(position.seconds),
      seconds: String(seconds),
      machine,
    },
  });
}

/** Reads a checkpoint. Throws ValueError for a file that is missing, SafetensorsError for a damaged one. */
export function readCheckpoint(path: string): Checkpoint {
  const { tensors, metadata } = readTensors(path);
  const number = (name: string): number => {
    const value = Number(metadata[name]);
    if (value >= 0 && value < Infinity) return value;
    throw new SafetensorsError(`${path}: expected a number "${name}", got ${metadata[name] ?? "none"}`);
  };
  return {
    model: new Map([...tensors].filter(([name]) => !name.startsWith(`${TRAINING}.`))),
    training: stateOf(tensors, TRAINING),
    position: { step: number("step"), lossSum: number("epochLossSum"), seconds: number("epochSeconds") },
    seconds: number("seconds"),
    machine: metadata.machine ?? "unknown",
  };
}
