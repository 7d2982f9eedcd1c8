import type { Backend } from "../../engine/backend.ts";

/** What decides the last bits of a run beside its options; the number of threads does not. */
export interface RunMachine {
  readonly backend: string;
  readonly threads: number;
  readonly relaxedFma: boolean;
}

/** Accuracies on the test images, in [0, 1]; evaluation.json tells more. */
export interface TrainAccuracies {
  /** The linear classifier by an optimiser, with its expected calibration error. */
  readonly linearTop1: number;
  readonly linearTop5: number;
  readonly ece: number;
  /** The one by L-BFGS. */
  readonly lbfgsTop1: number;
  readonly knnTop1: number;
  /** Nearest class mean, by cosine. */
  readonly nearestMeanTop1: number;
  /** Of the classifier that was trained with the encoder, where there was one. */
  readonly classifierTop1?: number;
}

/** What result.json holds. */
export interface TrainResult extends RunMachine, TrainAccuracies {
  /** Of the whole run, and of stage 1; without the time between an interruption and what followed. */
  readonly seconds: number;
  readonly pretrainSeconds: number;
  /** The last epoch's. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly parameters: number;
  readonly seed: number;
}

/** What a backend is, for {@link RunMachine}. */
export function machineOf(backend: Backend): RunMachine {
  const { threads, relaxedSimd } = backend.machine ?? { threads: 1, relaxedSimd: false };
  return { backend: backend.name, threads, relaxedFma: relaxedSimd };
}

/** All of it that decides bits. */
export const describeMachine = ({ backend, relaxedFma }: RunMachine): string =>
  backend + (relaxedFma ? " with fused multiply-add" : "");
