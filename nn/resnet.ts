/**
 * Residual networks for small images (He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR
 * 2016, section 4.2): a 3x3 convolution, three stages of n blocks with w, 2w and 4w channels on maps of full, half and
 * quarter size, and the mean over the last map. Two convolutions in a block and one at each end make 6n + 2 layers.
 */
import type { Random } from "../engine/random.ts";
import type { Tensor } from "../engine/tensor.ts";
import { add, globalAvgPool, relu } from "../kernels/index.ts";
import { BatchNorm2d } from "./batchnorm.ts";
import { checkPositiveInteger } from "./check.ts";
import { Conv2d } from "./conv2d.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Sequential } from "./sequential.ts";

/** Options of {@link resnet8} and {@link resnet20}. */
export interface ResNetOptions {
  /** Where the initial weights are drawn from. */
  readonly random: Random;
  /** w: channels of the first stage. Default 16. */
  readonly width?: number;
  /** Channels of the images. Default 3. */
  readonly inChannels?: number;
  /** Outputs of a linear classifier on top of the features. Default: no classifier. */
  readonly numClasses?: number;
  /**
   * Whether the last scale (gamma) of each block starts at 0, so that the block starts as its shortcut (Goyal et al.,
   * "Accurate, Large Minibatch SGD", 2017). Default false.
   */
  readonly zeroInitResidual?: boolean;
}

/** 8 layers: one block in each stage. 77,392 parameters at the default width, without classifier. */
export const resnet8 = (options: ResNetOptions): ResNet => new ResNet(1, options);

/** 20 layers: three blocks in each stage. 271,824 parameters at the default width, without classifier. */
export const resnet20 = (options: ResNetOptions): ResNet => new ResNet(3, options);

interface BlockOptions {
  readonly random: Random;
  readonly stride: 1 | 2;
  readonly zeroInitResidual: boolean;
}

/**
 * y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), both convolutions 3x3, the first with the stride. The
 * shortcut is x itself, or where the shape changes (option B of the paper) a 1x1 convolution with the same stride.
 */
class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, channels: number, { random, stride, zeroInitResidual }: BlockOptions) {
    super();
    this.conv1 = new Conv2d(inChannels, channels, 3, { random, stride, padding: 1 });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = new Conv2d(channels, channels, 3, { random, padding: 1 });
    this.bn2 = new BatchNorm2d(channels, { gamma: zeroInitResidual ? 0 : 1 });
    this.downsample =
      stride === 1 && inChannels === channels
        ? null
        : new Sequential(new Conv2d(inChannels, channels, 1, { random, stride }), new BatchNorm2d(channels));
  }

  override forward(x: Tensor): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x)));
    const shortcut = this.downsample ? this.downsample.forward(x) : x;
    return relu(add(this.bn2.forward(this.conv2.forward(y)), shortcut));
  }
}

/** The network of this file; {@link resnet8} and {@link resnet20} make it. Names are torchvision's. */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly fc: Linear | null;
  /** Length of the feature vector: 4w. */
  readonly features: number;

  /** @throws ValueError for sizes that are not positive integers. */
  constructor(blocksPerStage: number, options: ResNetOptions) {
    super();
    const { random, width = 16, inChannels = 3, numClasses, zeroInitResidual = false } = options;
    for (const [name, size] of Object.entries({ blocksPerStage, width, inChannels })) {
      checkPositiveInteger("ResNet", name, size);
    }
    const stage = (from: number, to: number, stride: 1 | 2) =>
      new Sequential(
        ...Array.from({ length: blocksPerStage }, (_, i) =>
          i === 0
            ? new BasicBlock(from, to, { random, stride, zeroInitResidual })
            : new BasicBlock(to, to, { random, stride: 1, zeroInitResidual }),
        ),
      );
    this.conv1 = new Conv2d(inChannels, width, 3, { random, padding: 1 });
    this.bn1 = new BatchNorm2d(width);
    this.layer1 = stage(width, width, 1);
    this.layer2 = stage(width, 2 * width, 2);
    this.layer3 = stage(2 * width, 4 * width, 2);
    this.features = 4 * width;
    this.fc = numClasses === undefined ? null : new Linear(this.features, numClasses, { random });
  }

  /** The feature vectors [batch, features] of images x [batch, height, width, inChannels]. */
  encode(x: Tensor): Tensor {
    const stem = relu(this.bn1.forward(this.conv1.forward(x)));
    return globalAvgPool(this.layer3.forward(this.layer2.forward(this.layer1.forward(stem))));
  }

  /** {@link encode}, then the classifier's outputs [batch, numClasses] if there is one. */
  override forward(x: Tensor): Tensor {
    const features = this.encode(x);
    return this.fc ? this.fc.forward(features) : features;
  }
}
