import { setImmediate } from "node:timers/promises";
import { backward } from "../../engine/autograd.ts";
import type { Elements } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { SpheregradError, ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { reshape } from "../../kernels/index.ts";
import { cosineSchedule, SGD } from "../../nn/index.ts";
import type { Schedule, StateDict } from "../../nn/index.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import { makeViews } from "../augment/views.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { supConLoss } from "../losses/index.ts";
import type { SupConModel } from "../model.ts";
import type { Position } from "../run/checkpoint.ts";

/** The loss is no number any more: the weights are lost. */
export class DivergedError extends SpheregradError {}

/** How stage 1 is run. */
export interface PretrainOptions {
  readonly epochs: number;
  /** Images in a batch. What an epoch has left over waits for another one, whose order is another. */
  readonly batch: number;
  /** Random views of each image. */
  readonly views: number;
  readonly policy: AugmentPolicy;
  /** Greatest learning rate: that at the end of the warm-up. */
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Epochs of linear warm-up, before the cosine; may be a fraction. */
  readonly warmup: number;
  readonly temperature: number;
  /** Where the order of the images and the views are drawn from. */
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
}

/** Called as the training goes on. */
export interface PretrainHooks {
  readonly onStep?: (report: StepReport) => Promise<void> | void;
  readonly onEpoch?: (report: EpochReport) => Promise<void> | void;
  /** Ends the training after the step that it is at. */
  readonly signal?: AbortSignal;
}

/** Steps in an epoch: whole batches only, since the loss of a small batch means something else. */
export const stepsPerEpoch = (images: number, batch: number): number => Math.floor(images / batch);

/**
 * Stage 1: trains encoder and head with the supervised contrastive loss. The same random state gives the same weights,
 * whatever the number of threads, and whether or not the training was interrupted.
 */
export class Pretraining implements Disposable {
  readonly stepsPerEpoch: number;
  /** Of the whole training. */
  readonly steps: number;
  readonly #model: SupConModel;
  readonly #dataset: ImageDataset;
  readonly #options: PretrainOptions;
  readonly #optimizer: SGD;
  readonly #schedule: Schedule;
  #position: Position = { step: 0, lossSum: 0, seconds: 0 };

  /** Throws ValueError if the data set has fewer images than a batch, or for options out of their range. */
  constructor(model: SupConModel, dataset: ImageDataset, options: PretrainOptions) {
    const { epochs, batch, learningRate: lr, warmup, momentum, weightDecay } = options;
    this.stepsPerEpoch = stepsPerEpoch(dataset.count, batch);
    if (this.stepsPerEpoch === 0) {
      throw new ValueError(`pretrain: expected a batch of at most ${dataset.count} images, got ${batch}`);
    }
    this.steps = epochs * this.stepsPerEpoch;
    this.#model = model;
    this.#dataset = dataset;
    this.#options = options;
    this.#optimizer = new SGD(model.namedParameters(), { lr, momentum, weightDecay });
    // Steps 1 ... T of a schedule that is 0 at 0 and at T + 1, so that no step is in vain.
    this.#schedule = cosineSchedule({
      peak: lr,
      steps: this.steps + 1,
      warmupSteps: Math.min(this.steps, Math.round(warmup * this.stepsPerEpoch)),
    });
  }

  /** How far it has come. */
  get position(): Position {
    return this.#position;
  }

  /** What the optimiser remembers. */
  state(): Promise<StateDict<Elements>> {
    return this.#optimizer.state();
  }

  /** Goes on from where another one was; the model's state is the caller's. Throws StateDictError for a state that does not fit. */
  resume(position: Position, state: StateDict): void {
    this.#optimizer.loadState(state);
    this.#position = position;
  }

  /** Trains to the end, or until it is told to stop. Throws DivergedError at the first loss that is not finite. */
  async run({ onStep, onEpoch, signal }: PretrainHooks = {}): Promise<void> {
    const { batch, views, random } = this.#options;
    const ofEpoch = this.stepsPerEpoch;
    this.#model.train();
    while (this.#position.step < this.steps) {
      const epoch = Math.floor(this.#position.step / ofEpoch);
      const ofViews = random.fork(epoch);
      // Not from ofViews itself: what is drawn from it would change the views, which fork from its state.
      const order = random.fork(epoch).permutation(this.#dataset.count);
      const started = performance.now() - 1000 * this.#position.seconds;
      const seconds = () => (performance.now() - started) / 1000;
      for (let i = this.#position.step % ofEpoch; i < ofEpoch; i++) {
        // A backend that computes at once leaves the event loop no turn of its own, and signals would not be heard.
        await setImmediate();
        if (signal?.aborted) return;
        const loss = await this.#step(order.subarray(i * batch, (i + 1) * batch), ofViews, epoch);
        const { step, lossSum } = this.#position;
        this.#position = { step: step + 1, lossSum: lossSum + loss, seconds: seconds() };
        await onStep?.({ step: step + 1, epoch: epoch + 1, loss });
      }
      const { step, lossSum } = this.#position;
      const report = {
        epoch: epoch + 1,
        steps: step,
        loss: lossSum / ofEpoch,
        learningRate: this.#optimizer.lr,
        imagesPerSecond: (ofEpoch * batch * views) / seconds(),
        seconds: seconds(),
      };
      this.#position = { step, lossSum: 0, seconds: 0 };
      await onEpoch?.(report);
    }
  }

  /** One step on the images at `indices`: its loss. */
  async #step(indices: Int32Array, random: Random, epoch: number): Promise<number> {
    const [model, dataset, optimizer] = [this.#model, this.#dataset, this.#optimizer];
    const { views, policy, temperature } = this.#options;
    const { height, width, channels } = dataset;
    const { step } = this.#position;
    const images = makeViews(dataset, indices, views, policy, random);
    const labels = indices.map((index) => dataset.labels[index] ?? 0);
    optimizer.lr = this.#schedule(step + 1);
    using loss = scope(() => {
      const x = tensor(images, [indices.length * views, height, width, channels]);
      const projections = reshape(model.forward(x), [indices.length, views, model.dim]);
      const value = supConLoss(projections, labels, { temperature });
      backward(value);
      optimizer.step();
      optimizer.zeroGrad();
      return value;
    });
    const value = await loss.item();
    if (!Number.isFinite(value)) throw diverged(value, step + 1, epoch + 1, this.#options);
    return value;
  }

  /** Disposes what the optimiser remembers; the model is the caller's. */
  dispose(): void {
    this.#optimizer.dispose();
  }

  /** `using training = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function diverged(loss: number, step: number, epoch: number, options: PretrainOptions): DivergedError {
  const { learningRate, warmup, temperature } = options;
  return new DivergedError(
    `train: expected a finite loss, got ${loss} at step ${step} (epoch ${epoch}); likely causes: a learning rate too high ` +
      `(${learningRate}), a warm-up too short (${warmup} epochs), a temperature too low (${temperature})`,
  );
}
