/**
 * The two blocks of residual networks (He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR
 * 2016). Both are  y = relu(body(x) + shortcut(x))  with a batch normalisation after each convolution.
 */
import type { Random } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { BatchNorm2d } from "../batchnorm.ts";
import { Conv2d } from "../conv2d.ts";
import { Module } from "../module.ts";
import { Sequential } from "../sequential.ts";

/** Options of the blocks. */
export interface BlockOptions {
  readonly random: Random;
  readonly stride: 1 | 2;
  /** Whether the shortcut is a 1x1 convolution (option B of the paper) rather than x itself. */
  readonly project: boolean;
  /** Initial value of the last scale (gamma): with 0 the block starts as its shortcut. */
  readonly lastGamma: number;
}

/** How many times as many channels come out of a block as its 3x3 convolutions have. */
export const expansion = { basic: 1, bottleneck: 4 } as const;

/** The blocks by name. */
export type BlockKind = keyof typeof expansion;

/** Two 3x3 convolutions, the first with the stride. */
export class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, channels: number, options: BlockOptions) {
    super();
    const { random, stride, lastGamma } = options;
    this.conv1 = new Conv2d(inChannels, channels, 3, { random, stride, padding: 1 });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = new Conv2d(channels, channels, 3, { random, padding: 1 });
    this.bn2 = new BatchNorm2d(channels, { gamma: lastGamma });
    this.downsample = projection(inChannels, channels, options);
  }

  override forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x), { relu: true });
    const residual = this.downsample?.forward(x) ?? x;
    return this.bn2.forward(this.conv2.forward(y), { residual, relu: true });
  }
}

/**
 * A 1x1 convolution to `channels`, a 3x3 one between as many, and a 1x1 one to four times as many. The stride stands
 * in the 3x3 convolution, as in torchvision (the paper has it in the first one, where three of four pixels are never
 * seen).
 */
export class Bottleneck extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, channels: number, options: BlockOptions) {
    super();
    const { random, stride, lastGamma } = options;
    const outChannels = expansion.bottleneck * channels;
    this.conv1 = new Conv2d(inChannels, channels, 1, { random });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = new Conv2d(channels, channels, 3, { random, stride, padding: 1 });
    this.bn2 = new BatchNorm2d(channels);
    this.conv3 = new Conv2d(channels, outChannels, 1, { random });
    this.bn3 = new BatchNorm2d(outChannels, { gamma: lastGamma });
    this.downsample = projection(inChannels, outChannels, options);
  }

  override forward(x: Tensor): Tensor {
    const narrow = this.bn1.forward(this.conv1.forward(x), { relu: true });
    const y = this.bn2.forward(this.conv2.forward(narrow), { relu: true });
    const residual = this.downsample?.forward(x) ?? x;
    return this.bn3.forward(this.conv3.forward(y), { residual, relu: true });
  }
}

function projection(
  inChannels: number,
  outChannels: number,
  { random, stride, project }: BlockOptions,
): Sequential | null {
  if (!project) return null;
  return new Sequential(
    new Conv2d(inChannels, outChannels, 1, { random, stride }),
    new BatchNorm2d(outChannels),
  );
}
