import { backward, stopGradient } from "../../engine/autograd.ts";
import type { Elements } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { keep, scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, concat, crossEntropy, mul, reshape, slice } from "../../kernels/index.ts";
import { Linear } from "../../nn/index.ts";
import type { StateDict } from "../../nn/index.ts";
import type { ImageShape } from "../data/dataset.ts";
import type { SupConModel } from "../model.ts";
import { chunkedBackward } from "../negatives/chunked-backward.ts";
import { MemoryQueue } from "../negatives/memory-queue.ts";
import { MomentumEncoder } from "../negatives/momentum-encoder.ts";
import { contrastiveLoss, needsCentres, takesKeys, takesQueue } from "./contrastive.ts";
import type { ContrastiveOptions } from "./contrastive.ts";
import { joinStates, stateOf } from "./states.ts";

/**
 * What the encoder is trained for. With r = the encoder's features, z = their projections, and a linear classifier W:
 *
 *     two-stage        contrastive(z); the classifier comes afterwards, on the frozen encoder (the paper's way)
 *     one-stage        contrastive(z) + CE(W stopGradient(r)): the classifier learns beside, and teaches the encoder nothing
 *     joint            a contrastive(z) + b CE(W r)
 *     cross-entropy    CE(W r), on all views: batches of N samples count V N images
 */
export const trainingForms = ["two-stage", "one-stage", "joint", "cross-entropy"] as const;

/** See {@link trainingForms}. */
export type TrainingForm = (typeof trainingForms)[number];

/** Options of {@link Objective}. */
export interface ObjectiveOptions extends ContrastiveOptions {
  /** Default two-stage. */
  readonly form?: TrainingForm;
  /** a and b of the form `joint`. Default 1. */
  readonly contrastiveWeight?: number;
  readonly classificationWeight?: number;
  /** Of the cross-entropy, from 0 to 1. Default 0. */
  readonly labelSmoothing?: number;
  /** Keys of earlier batches to compare with. Default 0, none. */
  readonly queue?: number;
  /** m of a momentum encoder that makes the keys: anchors are then the first views, keys the others, at least one. */
  readonly keyMomentum?: number | undefined;
  /** A model of the same architecture, which becomes the momentum encoder, where there is to be one. */
  readonly makeModel?: () => SupConModel;
  /** Images of the batch that are embedded at a time, all their views together; default the whole batch. */
  readonly chunk?: number | undefined;
  /** How often each class occurs in the training set. */
  readonly classCounts: readonly number[];
  /** Where the weights of classifier and class centres are drawn from. */
  readonly random: Random;
}

/** Views of N samples and their labels. */
export interface Views {
  /** [N, V, height, width, channels], row-major. */
  readonly images: Float32Array;
  /** [N] */
  readonly labels: Int32Array;
  readonly views: number;
  readonly shape: ImageShape;
}

/** What a step minimises, with all that it learns or remembers beside the model. */
export class Objective implements Disposable {
  readonly #model: SupConModel;
  readonly #options: ObjectiveOptions;
  /** What learns beside the model, by name. */
  readonly #heads: ReadonlyMap<string, Linear>;
  readonly #queue: MemoryQueue | null;
  readonly #keyEncoder: MomentumEncoder<SupConModel> | null;

  /** Throws ValueError for options out of their range, or that do not fit each other. */
  constructor(model: SupConModel, options: ObjectiveOptions) {
    const { form = "two-stage", loss = "supcon", queue = 0, keyMomentum } = options;
    const { classCounts, random, makeModel } = options;
    const contrasts = form !== "cross-entropy";
    const refuse = (what: string, takes: boolean): void => {
      if (!(contrasts && takes)) {
        const got = contrasts ? loss : form;
        throw new ValueError(`objective: expected a loss that takes ${what}, got ${got}; supcon does`);
      }
    };
    if (queue > 0) refuse("a queue", takesQueue(loss));
    if (keyMomentum !== undefined) refuse("a momentum encoder", takesKeys(loss));
    if (options.positivesCap !== undefined && (queue > 0 || keyMomentum !== undefined)) {
      throw new ValueError(
        "objective: expected positivesCap alone, got a queue or a momentum encoder beside it; it tells of the samples of a batch",
      );
    }
    this.#model = model;
    this.#options = options;
    const heads = new Map<string, Linear>();
    if (form !== "two-stage") {
      heads.set("classifier", new Linear(model.features, classCounts.length, { random }));
    }
    if (contrasts && needsCentres(loss)) {
      heads.set("centres", new Linear(model.dim, classCounts.length, { random, bias: false }));
    }
    this.#heads = heads;
    const labelled = loss !== "simclr";
    this.#queue = queue > 0 ? new MemoryQueue({ capacity: queue, dim: model.dim, labelled }) : null;
    this.#keyEncoder = null;
    if (keyMomentum !== undefined) {
      if (!makeModel) throw new ValueError("objective: expected makeModel beside keyMomentum, got none");
      this.#keyEncoder = new MomentumEncoder(model, makeModel(), { momentum: keyMomentum });
    }
  }

  /** All that is trained, by name. */
  parameters(): Map<string, Tensor> {
    const own = [...this.#heads].flatMap(([head, module]) =>
      [...module.namedParameters()].map(([name, parameter]) => [`${head}.${name}`, parameter] as const),
    );
    return new Map([...this.#model.namedParameters(), ...own]);
  }

  /**
   * Adds the gradients of the loss to the parameters, and remembers keys. Returns the loss, and the projections that were
   * compared, [N, V, D], if there were any. To be called in a scope.
   */
  backward(batch: Views): { readonly loss: Tensor; readonly projections: Tensor | null } {
    const { chunk = batch.labels.length } = this.#options;
    const keys = this.#keys(batch);
    const anchors = this.#keyEncoder ? someViews(batch, 0, 1) : batch;
    const parts = chunksOf(anchors, chunk).map((part) => () => this.#embed(part));
    // The loss of chunks is computed in a scope of its own, in which its projections would die.
    const kept: Tensor[] = [];
    const loss = (embeddings: Tensor): Tensor => {
      const { loss, projections } = this.#loss(embeddings, anchors, keys);
      if (projections) kept.push(keep(projections));
      return loss;
    };
    const [only] = parts;
    const value =
      parts.length === 1 && only ? backwardThrough(loss(only())) : chunkedBackward(this.#model, parts, loss);
    const [own] = kept.map((z) => stopGradient(z));
    for (const z of kept) z.dispose();
    if (this.#queue && own) {
      this.#queue.enqueue(keys ?? own, this.#queue.labelled ? batch.labels : null);
    }
    return { loss: value, projections: own ?? null };
  }

  /** Beside the model's own state: classifier, centres, queue and momentum encoder. */
  async state(): Promise<StateDict<Elements>> {
    const parts = [...this.#parts()].map(async ([name, part]) => [name, await part.state()] as const);
    return joinStates(new Map(await Promise.all(parts)));
  }

  /** Overwrites that state. Throws StateDictError if it does not fit. */
  loadState(state: StateDict): void {
    for (const [name, part] of this.#parts()) part.loadState(stateOf(state, name));
  }

  /** The classifier that was trained with the encoder, if there is one. */
  get classifier(): Linear | undefined {
    return this.#heads.get("classifier");
  }

  /** Disposes all but the model. */
  dispose(): void {
    for (const head of this.#heads.values()) head.dispose();
    this.#queue?.dispose();
    this.#keyEncoder?.module.dispose();
  }

  /** `using objective = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #parts(): Map<string, Pick<MemoryQueue, "state" | "loadState">> {
    const heads = [...this.#heads].map(([name, head]) => {
      return [
        name,
        { state: () => head.stateDict(), loadState: (state: StateDict) => { head.loadStateDict(state); } }, // prettier-ignore
      ] as const;
    });
    const parts = new Map<string, Pick<MemoryQueue, "state" | "loadState">>(heads);
    if (this.#queue) parts.set("queue", this.#queue);
    if (this.#keyEncoder) parts.set("keyEncoder", this.#keyEncoder);
    return parts;
  }

  /** The momentum encoder's keys [N, V - 1, D] of all views but the first. */
  #keys(batch: Views): Tensor | null {
    const encoder = this.#keyEncoder;
    if (!encoder) return null;
    encoder.update();
    const others = someViews(batch, 1, batch.views);
    const parts = chunksOf(others, this.#options.chunk ?? batch.labels.length);
    const keys = concat(
      parts.map((part) => encoder.forward(imagesOf(part))),
      0,
    );
    return reshape(keys, [batch.labels.length, others.views, this.#model.dim]);
  }

  /** What the loss is computed from: projections, features, or both side by side. */
  #embed(part: Views): Tensor {
    const { form = "two-stage" } = this.#options;
    return scope(() => {
      const features = this.#model.encode(imagesOf(part));
      if (form === "cross-entropy") return features;
      const projections = this.#model.head.forward(features);
      return form === "two-stage" ? projections : concat([projections, features], 1);
    });
  }

  #loss(
    embeddings: Tensor,
    { labels, views }: Views,
    keys: Tensor | null,
  ): { loss: Tensor; projections: Tensor | null } {
    const { form = "two-stage", contrastiveWeight = 1, classificationWeight = 1 } = this.#options;
    const { classCounts } = this.#options;
    const { dim, features } = this.#model;
    const rows = labels.length * views;
    const compare = (z: Tensor) => {
      const projections = reshape(z, [labels.length, views, dim]);
      const centres = this.#heads.get("centres") ?? null;
      const { queue } = this.#queue?.options() ?? {};
      const loss = contrastiveLoss(projections, labels, this.#options, { centres, classCounts, queue, keys });
      return { loss, projections: stopGradient(projections) };
    };
    switch (form) {
      case "two-stage":
        return compare(embeddings);
      case "cross-entropy":
        return { loss: this.#classify(embeddings, labels, views), projections: null };
      case "one-stage":
      case "joint": {
        const { loss, projections } = compare(slice(embeddings, [0, 0], [rows, dim]));
        const r = slice(embeddings, [0, dim], [rows, dim + features]);
        if (form === "one-stage") {
          return { loss: add(loss, this.#classify(stopGradient(r), labels, views)), projections };
        }
        const classification = mul(this.#classify(r, labels, views), classificationWeight);
        return { loss: add(mul(loss, contrastiveWeight), classification), projections };
      }
      default:
        return form satisfies never;
    }
  }

  /** Cross-entropy of the classifier on features of all views. */
  #classify(features: Tensor, labels: Int32Array, views: number): Tensor {
    const { classifier } = this;
    if (!classifier) throw new RangeError("objective: no classifier");
    const ofViews = Int32Array.from(
      { length: labels.length * views },
      (_, i) => labels[Math.floor(i / views)] ?? 0,
    );
    const { labelSmoothing = 0 } = this.#options;
    return crossEntropy(classifier.forward(features), ofViews, { labelSmoothing });
  }
}

function backwardThrough(loss: Tensor): Tensor {
  backward(loss);
  return stopGradient(loss);
}

const sizeOf = ({ height, width, channels }: ImageShape): number => height * width * channels;

const imagesOf = ({ images, shape }: Views): Tensor =>
  tensor(images, [images.length / sizeOf(shape), shape.height, shape.width, shape.channels]);

/** The batch cut into parts of at most `samples` samples. */
function chunksOf(batch: Views, samples: number): Views[] {
  const size = batch.views * sizeOf(batch.shape);
  const count = Math.ceil(batch.labels.length / samples);
  return Array.from({ length: count }, (_, i) => ({
    ...batch,
    images: batch.images.subarray(i * samples * size, (i + 1) * samples * size),
    labels: batch.labels.subarray(i * samples, (i + 1) * samples),
  }));
}

/** Views `from` to `to` of each sample. */
function someViews({ images, labels, views, shape }: Views, from: number, to: number): Views {
  const size = sizeOf(shape);
  const chosen = new Float32Array(labels.length * (to - from) * size);
  for (let sample = 0; sample < labels.length; sample++) {
    const source = images.subarray((sample * views + from) * size, (sample * views + to) * size);
    chosen.set(source, sample * (to - from) * size);
  }
  return { images: chosen, labels, views: to - from, shape };
}
