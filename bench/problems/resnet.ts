/** The residual networks of He et al. (2015) in terms of a few ops, for libraries that have no such model. */
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { NetworkName } from "./problem.ts";

interface Architecture {
  readonly stem: "cifar" | "imagenet";
  readonly width: number;
  readonly blocks: readonly number[];
}

const architectures: Readonly<Record<NetworkName, Architecture>> = {
  resnet8: { stem: "cifar", width: 16, blocks: [1, 1, 1] },
  resnet20: { stem: "cifar", width: 16, blocks: [3, 3, 3] },
  resnet18: { stem: "imagenet", width: 64, blocks: [2, 2, 2, 2] },
};

/** Classes of the classifier. */
export const CLASSES = 10;

/** What a library must be able to do to run a residual network on values of its type T. Parameters go by name. */
export interface NetworkOps<T> {
  /** With weights `${name}.weight` and padding kernel / 2. */
  conv(x: T, name: string, stride: number): T;
  /** Normalises by the batch's statistics, scales by `${name}.weight` and shifts by `${name}.bias`. */
  norm(x: T, name: string): T;
  relu(x: T): T;
  add(a: T, b: T): T;
  /** 3x3, stride 2, padding 1. */
  maxPool(x: T): T;
  /** Means over height and width: [batch, channels]. */
  averagePool(x: T): T;
  /** x `${name}.weight` + `${name}.bias`. */
  linear(x: T, name: string): T;
  /** The same value once more, for libraries whose ops consume their operands. */
  share(x: T): T;
}

interface Block {
  readonly name: string;
  readonly inChannels: number;
  readonly channels: number;
  readonly stride: number;
}

function blocksOf({ width, blocks }: Architecture): Block[] {
  return blocks.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => ({
      name: `layer${stage + 1}.${i}`,
      inChannels: i === 0 && stage > 0 ? width * 2 ** (stage - 1) : width * 2 ** stage,
      channels: width * 2 ** stage,
      stride: i === 0 && stage > 0 ? 2 : 1,
    })),
  );
}

/** Logits [batch, 10] of images x. */
export function runNetwork<T>(name: NetworkName, ops: NetworkOps<T>, x: T): T {
  const architecture = architectures[name];
  let y = ops.relu(ops.norm(ops.conv(x, "conv1", architecture.stem === "imagenet" ? 2 : 1), "bn1"));
  if (architecture.stem === "imagenet") y = ops.maxPool(y);
  for (const { name: block, inChannels, channels, stride } of blocksOf(architecture)) {
    const shortcut =
      inChannels === channels
        ? ops.share(y)
        : ops.norm(ops.conv(ops.share(y), `${block}.downsample.0`, stride), `${block}.downsample.1`);
    const inner = ops.relu(ops.norm(ops.conv(y, `${block}.conv1`, stride), `${block}.bn1`));
    y = ops.relu(ops.add(ops.norm(ops.conv(inner, `${block}.conv2`, 1), `${block}.bn2`), shortcut));
  }
  return ops.linear(ops.averagePool(y), "fc");
}

/** The shapes of all parameters by name; convolutions [height, width, in, out], linear ones [in, out]. */
export function parameterShapes(name: NetworkName): ReadonlyMap<string, Shape> {
  const architecture = architectures[name];
  const { stem, width } = architecture;
  const shapes = new Map<string, Shape>();
  const conv = (of: string, kernel: number, from: number, to: number) => shapes.set(`${of}.weight`, [kernel, kernel, from, to]); // prettier-ignore
  const norm = (of: string, channels: number) => shapes.set(`${of}.weight`, [channels]).set(`${of}.bias`, [channels]); // prettier-ignore
  conv("conv1", stem === "imagenet" ? 7 : 3, 3, width);
  norm("bn1", width);
  let features = width;
  for (const { name: block, inChannels, channels } of blocksOf(architecture)) {
    conv(`${block}.conv1`, 3, inChannels, channels);
    norm(`${block}.bn1`, channels);
    conv(`${block}.conv2`, 3, channels, channels);
    norm(`${block}.bn2`, channels);
    if (inChannels !== channels) {
      conv(`${block}.downsample.0`, 1, inChannels, channels);
      norm(`${block}.downsample.1`, channels);
    }
    features = channels;
  }
  shapes.set("fc.weight", [features, CLASSES]).set("fc.bias", [CLASSES]);
  return shapes;
}

/** Number of parameters. */
export const parameterCount = (name: NetworkName): number =>
  [...parameterShapes(name).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);

/** Height or width of a convolution's result, with padding kernel / 2. */
const strided = (size: number, stride: number): number => Math.ceil(size / stride);

/**
 * Floating-point operations of convolutions and classifier in a training step, for one image: forward, and each gradient
 * as much again; nobody needs that of the images.
 */
export function trainingOperations(name: NetworkName, size: number): number {
  const shapes = parameterShapes(name);
  let all = 0;
  const count = (pixels: number, weight: string, passes: number): number => {
    const shape = shapes.get(weight) ?? [];
    all += passes * 2 * pixels * sizeOf(shape);
    return shape.at(-1) ?? 0;
  };
  runNetwork<number>(
    name,
    {
      // A value is the height of an image, which is as wide.
      conv: (height, of, stride) => {
        const out = strided(height, stride);
        count(out * out, `${of}.weight`, of === "conv1" ? 2 : 3);
        return out;
      },
      norm: (height) => height,
      relu: (height) => height,
      add: (height) => height,
      share: (height) => height,
      maxPool: (height) => strided(height, 2),
      averagePool: () => 1,
      linear: (_, of) => count(1, `${of}.weight`, 3),
    },
    size,
  );
  return all;
}
