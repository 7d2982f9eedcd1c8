/**
 * The residual networks by name. The number counts the layers with weights: stem, convolutions of the blocks (two in a
 * basic block, three in a bottleneck; shortcuts do not count) and the classifier.
 */
import type { BlockKind } from "./block.ts";
import { ResNet } from "./resnet.ts";
import type { ResNetOptions } from "./resnet.ts";

type Variant = (options: ResNetOptions) => ResNet;

/** He et al., section 4.2: 6n + 2 layers for images of 32 x 32, 16 channels in the first of three stages. */
const cifar =
  (n: number): Variant =>
  (options) =>
    new ResNet({ block: "basic", blocks: [n, n, n], width: 16, stem: "cifar", ...options });

/** He et al., table 1: four stages, 64 channels in the first. */
const imagenet =
  (block: BlockKind, blocks: readonly number[]): Variant =>
  (options) =>
    new ResNet({ block, blocks, width: 64, stem: "imagenet", ...options });

/** For small images: 3 stages of 1 basic block. */
export const resnet8 = cifar(1);
/** For small images: 3 stages of 3 basic blocks. */
export const resnet20 = cifar(3);
/** For small images: 3 stages of 5 basic blocks. */
export const resnet32 = cifar(5);
/** For small images: 3 stages of 7 basic blocks. */
export const resnet44 = cifar(7);
/** For small images: 3 stages of 9 basic blocks. */
export const resnet56 = cifar(9);

/** 512 features, basic blocks. */
export const resnet18 = imagenet("basic", [2, 2, 2, 2]);
/** 512 features, basic blocks. */
export const resnet34 = imagenet("basic", [3, 4, 6, 3]);
/** 2,048 features, bottlenecks. */
export const resnet50 = imagenet("bottleneck", [3, 4, 6, 3]);
/** 2,048 features, bottlenecks. */
export const resnet101 = imagenet("bottleneck", [3, 4, 23, 3]);
/** 2,048 features, bottlenecks. */
export const resnet152 = imagenet("bottleneck", [3, 8, 36, 3]);
/** 2,048 features, bottlenecks. */
export const resnet200 = imagenet("bottleneck", [3, 24, 36, 3]);
