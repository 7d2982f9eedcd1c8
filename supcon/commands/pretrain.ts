import { setImmediate } from "node:timers/promises";
import { currentBackend } from "../../engine/backend.ts";
import type { Elements } from "../../engine/backend.ts";
import { SpheregradError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { Linear, Memory, Optimizer, Schedule, StateDict } from "../../nn/index.ts";
import { loadBatches } from "../augment/loader.ts";
import type { Batch, BatchPlan } from "../augment/loader.ts";
import { classBalancedOrder, classCounts } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { SupConDiagnostics } from "../losses/index.ts";
import type { SupConModel } from "../model.ts";
import type { Position } from "../run/checkpoint.ts";
import { defaultTemperatures } from "../training/contrastive.ts";
import { diagnose, lossBounds, measuredStep } from "../training/diagnostics.ts";
import type { StepDiagnostics } from "../training/diagnostics.ts";
import { Objective } from "../training/objective.ts";
import { optimizers } from "../training/optimizers.ts";
import { scheduleOf } from "../training/schedules.ts";
import { joinStates, stateOf } from "../training/states.ts";
import type { PretrainHooks, PretrainOptions } from "./pretrain-options.ts";

/** The loss is no number any more: the weights are lost. */
export class DivergedError extends SpheregradError {}

/**
 * Stage 1: trains encoder and head with the supervised contrastive loss. The same random state gives the same weights,
 * whatever the number of threads, and whether or not the training was interrupted.
 */
export class Pretraining implements Disposable {
  readonly stepsPerEpoch: number;
  /** The range of the loss of a batch such as the first images, where it can be told. */
  readonly bounds: SupConDiagnostics | null;
  /** Of the whole training. */
  readonly steps: number;
  readonly #model: SupConModel;
  readonly #dataset: ImageDataset;
  readonly #options: PretrainOptions;
  readonly #objective: Objective;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #optimizer: Optimizer<Memory>;
  readonly #schedule: Schedule;
  #position: Position = { step: 0, lossSum: 0, seconds: 0 };

  /** Throws ValueError if the data set has fewer images than a batch, or for options out of their range. */
  constructor(model: SupConModel, dataset: ImageDataset, options: PretrainOptions) {
    const { epochs, batch, learningRate: lr, warmup, momentum, weightDecay } = options;
    // Whole batches only, since the loss of a small batch means something else.
    this.stepsPerEpoch = Math.floor(dataset.count / batch);
    if (this.stepsPerEpoch === 0) {
      throw new ValueError(`pretrain: expected a batch of at most ${dataset.count} images, got ${batch}`);
    }
    if (options.keyMomentum !== undefined && options.views < 2) {
      throw new ValueError(
        `pretrain: expected at least 2 views for a momentum encoder, got ${options.views}; all but the first are keys`,
      );
    }
    // And refuses what the loss would refuse at the first step.
    this.bounds = lossBounds(dataset.labels.subarray(0, batch), options.views, options);
    this.steps = epochs * this.stepsPerEpoch;
    this.#model = model;
    this.#dataset = dataset;
    this.#options = options;
    // A stream of their own, apart from those of the epochs.
    const ofHeads = options.random.fork(2 ** 52);
    this.#objective = new Objective(model, {
      ...options,
      classCounts: classCounts(dataset),
      random: ofHeads,
    });
    this.#parameters = this.#objective.parameters();
    this.#optimizer = optimizers[options.optimizer ?? "sgd"](this.#parameters, { lr, momentum, weightDecay });
    const { schedule = "cosine", warmupStart: start = 0 } = options;
    const { stepsPerEpoch } = this;
    this.#schedule = scheduleOf(schedule, { peak: lr, epochs, stepsPerEpoch, warmup, start });
  }

  /** How far it has come. */
  get position(): Position {
    return this.#position;
  }

  /** All that is learned or remembered beside the model. */
  async state(): Promise<StateDict<Elements>> {
    const [optimizer, objective] = [await this.#optimizer.state(), await this.#objective.state()];
    return joinStates(new Map(Object.entries({ optimizer, objective })));
  }

  /** Goes on from where another one was; the model's state is the caller's. Throws StateDictError for a state that does not fit. */
  resume(position: Position, state: StateDict): void {
    this.#optimizer.loadState(stateOf(state, "optimizer"));
    this.#objective.loadState(stateOf(state, "objective"));
    this.#position = position;
  }

  /** The classifier that is trained with the encoder, if there is one. */
  get classifier(): Linear | undefined {
    return this.#objective.classifier;
  }

  /** Trains to the end, or until it is told to stop. Throws DivergedError at the first loss that is not finite. */
  async run({ onStep, onEpoch, signal }: PretrainHooks = {}): Promise<void> {
    const { batch, views, policy, dataThreads: threads = 0 } = this.#options;
    const ofEpoch = this.stepsPerEpoch;
    this.#model.train();
    let started = performance.now() - 1000 * this.#position.seconds;
    const seconds = () => (performance.now() - started) / 1000;
    for await (const images of loadBatches(this.#dataset, this.#plans(), { views, policy, threads })) {
      // A backend that computes at once leaves the event loop no turn of its own, and signals would not be heard.
      await setImmediate();
      if (signal?.aborted) return;
      const epoch = Math.floor(this.#position.step / ofEpoch);
      const isLast = (this.#position.step + 1) % ofEpoch === 0;
      const { loss, diagnostics } = await this.#step(images, epoch, isLast);
      const [step, lossSum] = [this.#position.step + 1, this.#position.lossSum + loss];
      this.#position = { step, lossSum, seconds: seconds() };
      await onStep?.({ step, epoch: epoch + 1, loss });
      if (!isLast) continue;
      const report = {
        epoch: epoch + 1,
        steps: step,
        loss: lossSum / ofEpoch,
        learningRate: this.#optimizer.lr,
        imagesPerSecond: (ofEpoch * batch * views) / seconds(),
        seconds: seconds(),
        diagnostics: diagnostics ?? { gradientNorm: NaN, updateNorm: NaN },
      };
      this.#position = { step, lossSum: 0, seconds: 0 };
      await onEpoch?.(report);
      started = performance.now();
    }
  }

  /** The batches from where the training is to its end. */
  *#plans(): Generator<BatchPlan, void> {
    const { epochs, batch, random, classBalanced } = this.#options;
    const ofEpoch = this.stepsPerEpoch;
    let { step } = this.#position;
    for (let epoch = Math.floor(step / ofEpoch); epoch < epochs; epoch++) {
      const ofViews = random.fork(epoch);
      // Not from ofViews itself: what is drawn from it would change the views, which fork from its state.
      const ofOrder = random.fork(epoch);
      const order = classBalanced
        ? classBalancedOrder(this.#dataset, ofOrder)
        : ofOrder.permutation(this.#dataset.count);
      for (; step < (epoch + 1) * ofEpoch; step++) {
        const start = (step % ofEpoch) * batch;
        yield { indices: order.subarray(start, start + batch), random: ofViews };
      }
    }
  }

  /** One step on the views of a batch. */
  async #step(
    { indices, images }: Batch,
    epoch: number,
    isLast: boolean,
  ): Promise<{ readonly loss: number; readonly diagnostics: StepDiagnostics | null }> {
    const [dataset, optimizer] = [this.#dataset, this.#optimizer];
    const { views } = this.#options;
    const { step } = this.#position;
    const batch = {
      images,
      labels: indices.map((index) => dataset.labels[index] ?? 0),
      ...{ views, shape: dataset },
    };
    optimizer.lr = this.#schedule(step + 1);
    const made = scope(() => {
      const result = this.#objective.backward(batch);
      const norms = isLast ? measuredStep([...this.#parameters.values()], () => { optimizer.step(); }) : null; // prettier-ignore
      if (!isLast) optimizer.step();
      optimizer.zeroGrad();
      return { loss: result.loss, projections: isLast ? result.projections : null, norms };
    });
    const loss = await made.loss.item();
    if (!Number.isFinite(loss)) throw diverged(loss, step + 1, epoch + 1, this.#options);
    const projections = (await made.projections?.data()) ?? null;
    const diagnostics = made.norms && {
      gradientNorm: await made.norms.gradientNorm.item(),
      updateNorm: await made.norms.updateNorm.item(),
      ...diagnose(batch, projections, loss, this.#options),
    };
    for (const each of [made.loss, made.projections, made.norms?.gradientNorm, made.norms?.updateNorm])
      each?.dispose();
    await currentBackend().pace?.();
    return { loss, diagnostics };
  }

  /** Disposes all but the model, which is the caller's. */
  dispose(): void {
    this.#objective.dispose();
    this.#optimizer.dispose();
  }

  /** `using training = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function diverged(loss: number, step: number, epoch: number, options: PretrainOptions): DivergedError {
  const { learningRate, warmup, loss: name = "supcon", temperature = defaultTemperatures[name] } = options;
  return new DivergedError(
    `train: expected a finite loss, got ${loss} at step ${step} (epoch ${epoch}); likely causes: a learning rate too high ` +
      `(${learningRate}), a warm-up too short (${warmup} epochs), a temperature too low (${temperature})`,
  );
}
