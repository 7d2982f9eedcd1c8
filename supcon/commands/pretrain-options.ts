/** What stage 1 is told, and what it tells. */
import type { Random } from "../../engine/random.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import type { StepDiagnostics } from "../training/diagnostics.ts";
import type { ObjectiveOptions } from "../training/objective.ts";
import type { OptimizerName } from "../training/optimizers.ts";

/** How stage 1 is run. */
export interface PretrainOptions extends Omit<ObjectiveOptions, "classCounts"> {
  readonly epochs: number;
  /** Images in a batch. What an epoch has left over waits for another one, whose order is another. */
  readonly batch: number;
  /** Whether all classes come equally often, however large they are. Default false: all images do. */
  readonly classBalanced?: boolean;
  /** Random views of each image. */
  readonly views: number;
  readonly policy: AugmentPolicy;
  /** Threads that make the views of the next batches during a step. Default 0: they are made before it. */
  readonly dataThreads?: number;
  /** Greatest learning rate: that at the end of the warm-up. */
  readonly learningRate: number;
  /** Default sgd. */
  readonly optimizer?: OptimizerName;
  readonly momentum: number;
  readonly weightDecay: number;
  /** What the learning rate does after the warm-up: see `scheduleOf`. Default cosine. */
  readonly schedule?: string;
  /** Epochs of linear warm-up; may be a fraction. */
  readonly warmup: number;
  /** The learning rate before the first step of the warm-up. Default 0. */
  readonly warmupStart?: number;
  /** Where the order of the images, the views, and the weights beside the model's are drawn from. */
  readonly random: Random;
}

/** What is known after a step. */
export interface StepReport {
  /** From 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
}

/** What is known after an epoch. */
export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** Steps so far. */
  readonly steps: number;
  /** Mean over the epoch's steps. */
  readonly loss: number;
  /** Of the last step. */
  readonly learningRate: number;
  /** Views that went forward and back in a second. */
  readonly imagesPerSecond: number;
  readonly seconds: number;
  /** Of the last step. */
  readonly diagnostics: StepDiagnostics;
}

/** Called as the training goes on. */
export interface PretrainHooks {
  readonly onStep?: (report: StepReport) => Promise<void> | void;
  readonly onEpoch?: (report: EpochReport) => Promise<void> | void;
  /** Ends the training after the step that it is at. */
  readonly signal?: AbortSignal;
}
