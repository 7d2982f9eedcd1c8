import { ValueError } from "../engine/errors.ts";
import type { Random } from "../engine/random.ts";
import type { Tensor } from "../engine/tensor.ts";
import { l2Normalize } from "../kernels/index.ts";
import { kaimingNormal, Linear, Module, Relu, Sequential } from "../nn/index.ts";
import {
  resnet101,
  resnet152,
  resnet18,
  resnet20,
  resnet200,
  resnet34,
  resnet50,
  resnet8,
} from "../nn/index.ts";
import type { ResNet, ResNetOptions } from "../nn/index.ts";

/** The encoders by name. */
export const encoders = {
  ...{ resnet8, resnet20 },
  ...{ resnet18, resnet34, resnet50, resnet101, resnet152, resnet200 },
} as const;

/** Name of an encoder. */
export type EncoderName = keyof typeof encoders;

/** Options of {@link SupConModel}. */
export interface SupConModelOptions {
  /** Where the initial weights are drawn from. */
  readonly random: Random;
  /** Default resnet8. */
  readonly encoder?: EncoderName;
  /** Channels of the encoder's first stage. Default: 16 in resnet8 and resnet20, 64 in the others. */
  readonly width?: number;
  /** Default: "cifar" in resnet8 and resnet20, "imagenet" in the others. */
  readonly stem?: NonNullable<ResNetOptions["stem"]>;
  /** Channels of the images. Default 3. */
  readonly inChannels?: number;
  /** What projects features to where the loss compares them: one hidden layer with ReLU, or none. Default mlp. */
  readonly head?: "mlp" | "linear";
  /** Length of a projection. Default 128. */
  readonly dim?: number;
  /**
   * Whether features are brought to Euclidean length 1 before the head and before they are evaluated. The paper and its
   * ImageNet recipe do that; its CIFAR recipe and SupContrast do not. Default false.
   */
  readonly normalizeRepresentation?: boolean;
}

/**
 * An encoder and, on top of it, a projection head: what contrastive pre-training trains (Khosla et al., section 3.1).
 * The head is used in training only; a classifier is trained on what comes out of the encoder.
 */
export class SupConModel extends Module {
  readonly encoder: ResNet;
  readonly head: Module;
  /** Length of a feature vector. */
  readonly features: number;
  /** Length of a projection. */
  readonly dim: number;
  readonly #normalize: boolean;

  /** @throws ValueError for unknown names and sizes that are not positive integers. */
  constructor(options: SupConModelOptions) {
    super();
    const { random, encoder = "resnet8", width, stem, inChannels = 3 } = options;
    const { head = "mlp", dim = 128, normalizeRepresentation = false } = options;
    if (!Object.hasOwn(encoders, encoder)) {
      throw new ValueError(
        `SupConModel: expected an encoder among ${Object.keys(encoders).join(", ")}, got ${encoder}`,
      );
    }
    this.encoder = encoders[encoder]({
      ...{ random, inChannels },
      ...(width !== undefined && { width }),
      ...(stem && { stem }),
    });
    const { features } = this.encoder;
    const last = new Linear(features, dim, { random });
    const hidden = () => new Linear(features, features, { random, init: kaimingNormal("in") });
    this.head = head === "mlp" ? new Sequential(hidden(), new Relu(), last) : last;
    this.features = features;
    this.dim = dim;
    this.#normalize = normalizeRepresentation;
  }

  /** The features [batch, features] of images x [batch, height, width, inChannels]: what is evaluated. */
  encode(x: Tensor): Tensor {
    const features = this.encoder.encode(x);
    return this.#normalize ? l2Normalize(features) : features;
  }

  /** Projections [batch, dim] of images, for the loss, which normalises them. */
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.encode(x));
  }
}
