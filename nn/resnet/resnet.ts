import type { Random } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { globalAvgPool, maxPool2d } from "../../kernels/index.ts";
import { BatchNorm2d } from "../batchnorm.ts";
import { checkPositiveInteger } from "../check.ts";
import { Conv2d } from "../conv2d.ts";
import { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { Sequential } from "../sequential.ts";
import type { Stateful } from "../state.ts";
import { BasicBlock, Bottleneck, expansion } from "./block.ts";
import type { BlockKind } from "./block.ts";

/** Options of all residual networks. */
export interface ResNetOptions {
  /** Where the initial weights are drawn from. */
  readonly random: Random;
  /** w: channels of the first stage's 3x3 convolutions; each further stage has twice as many. Default: the variant's. */
  readonly width?: number;
  /** Channels of the images. Default 3. */
  readonly inChannels?: number;
  /** Outputs of a linear classifier on top of the features. Default: no classifier. */
  readonly numClasses?: number;
  /**
   * What comes before the stages. `"cifar"`, for small images: a 3x3 convolution. `"imagenet"`: a 7x7 convolution with
   * stride 2 and a 3x3 max pool with stride 2, after which a map has a quarter of the image's height and width.
   */
  readonly stem?: "cifar" | "imagenet";
  /**
   * Which blocks project their shortcut: those that change the shape (`"on-change"`, the default, as in torchvision),
   * or the first one of each stage (`"always-first"`, as in SupCon's TensorFlow code). They differ in basic blocks
   * only: a stage's first bottleneck always changes the number of channels.
   */
  readonly projection?: "on-change" | "always-first";
  /**
   * Whether the last scale (gamma) of each block starts at 0, so that the block starts as its shortcut (Goyal et al.,
   * "Accurate, Large Minibatch SGD", 2017). Default false.
   */
  readonly zeroInitResidual?: boolean;
}

/** What makes one residual network differ from another. */
export interface ResNetArchitecture extends ResNetOptions {
  readonly block: BlockKind;
  /** Number of blocks in each stage. */
  readonly blocks: readonly number[];
  readonly width: number;
  readonly stem: "cifar" | "imagenet";
}

/**
 * A residual network (He, Zhang, Ren and Sun, CVPR 2016): stem, stages of blocks, the mean over the last map, and
 * optionally a linear classifier. Each stage but the first halves height and width with the stride of its first block,
 * and doubles the channels. Names are torchvision's.
 */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  /** `layer1`, `layer2`, ... */
  readonly stages: readonly Sequential[];
  readonly fc: Linear | null;
  /** Length of the feature vector. */
  readonly features: number;
  readonly #maxPool: boolean;

  /** @throws ValueError for sizes that are not positive integers. */
  constructor(architecture: ResNetArchitecture) {
    super();
    const { random, block, blocks, width, stem, inChannels = 3, numClasses } = architecture;
    for (const [name, size] of Object.entries({ stages: blocks.length, width, inChannels })) {
      checkPositiveInteger("ResNet", name, size);
    }
    this.conv1 =
      stem === "cifar"
        ? new Conv2d(inChannels, width, 3, { random, padding: 1 })
        : new Conv2d(inChannels, width, 7, { random, stride: 2, padding: 3 });
    this.bn1 = new BatchNorm2d(width);
    this.#maxPool = stem === "imagenet";
    const outChannels = (stage: number): number => expansion[block] * width * 2 ** stage;
    this.stages = blocks.map((count, i) =>
      makeStage(i === 0 ? width : outChannels(i - 1), i, count, architecture),
    );
    this.features = outChannels(blocks.length - 1);
    this.fc = numClasses === undefined ? null : new Linear(this.features, numClasses, { random });
  }

  /** The feature vectors [batch, features] of images x [batch, height, width, inChannels]. */
  encode(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x), { relu: true });
    const map = this.#maxPool ? maxPool2d(y, { kernel: 3, stride: 2, padding: 1 }) : y;
    return globalAvgPool(this.stages.reduce((value, stage) => stage.forward(value), map));
  }

  /** {@link encode}, then the classifier's outputs [batch, numClasses] if there is one. */
  override forward(x: Tensor): Tensor {
    const features = this.encode(x);
    return this.fc ? this.fc.forward(features) : features;
  }

  protected override members(): [string, Module | Stateful][] {
    const torchvisionName = (name: string) =>
      name.replace(/^stages\.(\d+)$/, (_, i: string) => `layer${Number(i) + 1}`);
    return super.members().map(([name, member]) => [torchvisionName(name), member]);
  }
}

function makeStage(
  inChannels: number,
  stage: number,
  count: number,
  architecture: ResNetArchitecture,
): Sequential {
  const { random, block, width, projection = "on-change", zeroInitResidual = false } = architecture;
  checkPositiveInteger("ResNet", `blocks of stage ${stage + 1}`, count);
  const channels = width * 2 ** stage;
  const outChannels = expansion[block] * channels;
  const Block = block === "basic" ? BasicBlock : Bottleneck;
  const lastGamma = zeroInitResidual ? 0 : 1;
  const halves = stage > 0;
  const first = new Block(inChannels, channels, {
    random,
    stride: halves ? 2 : 1,
    project: halves || inChannels !== outChannels || projection === "always-first",
    lastGamma,
  });
  const others = Array.from(
    { length: count - 1 },
    () => new Block(outChannels, channels, { random, stride: 1, project: false, lastGamma }),
  );
  return new Sequential(first, ...others);
}
