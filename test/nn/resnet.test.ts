import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward, noGrad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { randn } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Shape } from "../../engine/shape.ts";
import { crossEntropy, relu } from "../../kernels/index.ts";
import type { Module } from "../../nn/module.ts";
import { ResNet } from "../../nn/resnet/resnet.ts";
import { resnet20, resnet32, resnet44, resnet50, resnet56, resnet8 } from "../../nn/resnet/variants.ts";
import { summary } from "../../nn/summary.ts";
import { read } from "./support.ts";

/** Number of parameters: those of the summary, which draws no weights. */
const count = (build: () => Module, inChannels = 3) => summary(build, [1, 32, 32, inChannels]).parameters;

const tiny = (options: { numClasses?: number; zeroInitResidual?: boolean } = {}) =>
  resnet8({ random: new Random(0), width: 2, inChannels: 1, ...options });

const tinyBottlenecks = {
  random: new Random(0),
  block: "bottleneck",
  width: 1,
  stem: "cifar",
  inChannels: 1,
} as const;

before(() => init({ backend: "reference" }));

describe("ResNet", () => {
  // By hand, at width 16 on RGB with 10 classes; a batch normalisation of c channels has 2c parameters:
  //   stem            3*3*3*16 = 432, + 32                                                                    =     464
  //   stage 1, block  2 * 3*3*16*16 = 4,608, + 2 * 32                                                         =   4,672
  //   stage 2, first  3*3*16*32 + 3*3*32*32 = 13,824, + 2 * 64; projection 16*32 + 64 = 576                   =  14,528
  //            other  2 * 3*3*32*32 = 18,432, + 2 * 64                                                        =  18,560
  //   stage 3, first  3*3*32*64 + 3*3*64*64 = 55,296, + 2 * 128; projection 32*64 + 128 = 2,176               =  57,728
  //            other  2 * 3*3*64*64 = 73,728, + 2 * 128                                                       =  73,984
  //   classifier      64*10 + 10                                                                              =     650
  // ResNet-8:  464 + 4,672 + 14,528 + 57,728 + 650 = 78,042
  // ResNet-20: 464 + 3 * 4,672 + (14,528 + 2 * 18,560) + (57,728 + 2 * 73,984) + 650 = 272,474: the 0.27 M of the
  // paper's table 6, whose shortcuts without parameters (option A) save the two projections: 272,474 - 2,752 = 269,722.
  it("has the number of parameters counted by hand", () => {
    const random = new Random(0);
    assert.equal(
      count(() => resnet8({ random, numClasses: 10 })),
      78_042,
    );
    [resnet20, resnet32, resnet44, resnet56].forEach((make, i) => {
      assert.equal(
        count(() => make({ random, numClasses: 10 })),
        272_474 + i * 2 * (4_672 + 18_560 + 73_984),
      );
    });
    assert.equal(
      count(() => resnet20({ random })),
      272_474 - 650,
    );
    // In half the width, on one channel: convolutions but the stem's shrink by 4, the normalisations' 672 by 2.
    const [stem, rest, norms] = [432 / 6, (77_392 - 432 - 672) / 4, 672 / 2];
    assert.equal(
      count(() => resnet8({ random, width: 8, inChannels: 1 }), 1),
      stem + rest + norms,
    );
  });

  it("has torchvision's names", async () => {
    const block = (path: string) =>
      [1, 2].flatMap((i) => [`${path}.conv${i}.weight`, ...norm(`${path}.bn${i}`)]);
    const norm = (path: string) => [`${path}.weight`, `${path}.bias`];
    const projection = (path: string) => [`${path}.downsample.0.weight`, ...norm(`${path}.downsample.1`)];
    assert.deepEqual(
      [...tiny({ numClasses: 3 }).namedParameters().keys()],
      [
        ...["conv1.weight", ...norm("bn1"), ...block("layer1.0")],
        ...[...block("layer2.0"), ...projection("layer2.0")],
        ...[...block("layer3.0"), ...projection("layer3.0")],
        ...["fc.weight", "fc.bias"],
      ],
    );
    const deep = await resnet20({ random: new Random(0), width: 1 }).stateDict();
    assert.deepEqual(deep.get("layer3.2.bn2.running_var"), { shape: [4], data: Float64Array.of(1, 1, 1, 1) });
  });

  it("gives features, or logits where it has a classifier, at any image size", () => {
    const x = randn([2, 6, 7, 1], new Random(1));
    assert.deepEqual(tiny().forward(x).shape, [2, 8]);
    assert.equal(tiny().features, 8);
    assert.deepEqual(tiny({ numClasses: 3 }).forward(x).shape, [2, 3]);
    assert.deepEqual(tiny({ numClasses: 3 }).encode(x).shape, [2, 8]);
    assert.deepEqual(
      resnet20({ random: new Random(0), width: 1 }).forward(randn([1, 8, 8, 3], new Random(1))).shape,
      [1, 4],
    );
  });

  it("halves the map in all stages but the first, at a stride in the first block", () => {
    const shapes = (build: () => Module, input: Shape) =>
      new Map(summary(build, input).rows.map(({ name, outputShape }) => [name, outputShape]));
    const basic = shapes(() => resnet20({ random: new Random(0), width: 2 }), [2, 8, 12, 3]);
    assert.deepEqual(
      ["conv1", "layer1", "layer2", "layer2.0.conv1", "layer2.1.conv1", "layer3"].map((name) => basic.get(name)),
      [[2, 8, 12, 2], [2, 8, 12, 2], [2, 4, 6, 4], [2, 4, 6, 4], [2, 4, 6, 4], [2, 2, 3, 8]],
    ); // prettier-ignore
    const bottleneck = shapes(() => resnet50({ random: new Random(0), width: 2 }), [2, 64, 96, 3]);
    assert.deepEqual(
      ["conv1", "layer1", "layer2", "layer3", "layer4"].map((name) => bottleneck.get(name)),
      [[2, 32, 48, 2], [2, 16, 24, 8], [2, 8, 12, 16], [2, 4, 6, 32], [2, 2, 3, 64]],
    ); // prettier-ignore
    // The 3x3 convolution has the stride.
    assert.deepEqual(bottleneck.get("layer2.0.conv1"), [2, 16, 24, 4]);
    assert.deepEqual(bottleneck.get("layer2.0.conv2"), [2, 8, 12, 4]);
    const cifarStem = shapes(
      () => resnet50({ random: new Random(0), width: 2, stem: "cifar" }),
      [2, 16, 16, 3],
    );
    assert.deepEqual([cifarStem.get("conv1"), cifarStem.get("layer4")], [[2, 16, 16, 2], [2, 2, 2, 64]]); // prettier-ignore
  });

  it("has bottlenecks under torchvision's names", () => {
    const names = [...new ResNet({ ...tinyBottlenecks, blocks: [2, 1] }).namedParameters().keys()];
    const norm = (path: string) => [`${path}.weight`, `${path}.bias`];
    const block = (path: string) =>
      [1, 2, 3].flatMap((i) => [`${path}.conv${i}.weight`, ...norm(`${path}.bn${i}`)]);
    const projection = (path: string) => [`${path}.downsample.0.weight`, ...norm(`${path}.downsample.1`)];
    assert.deepEqual(names, [
      ...["conv1.weight", ...norm("bn1")],
      ...[...block("layer1.0"), ...projection("layer1.0"), ...block("layer1.1")],
      ...[...block("layer2.0"), ...projection("layer2.0")],
    ]);
  });

  it("projects shortcuts where the shape changes, or always in a stage's first block", () => {
    const projected = (net: ResNet) =>
      [...net.namedModules().keys()].filter((name) => name.endsWith(".downsample"));
    const random = new Random(0);
    const always = { random, width: 1, projection: "always-first" } as const;
    assert.deepEqual(projected(resnet20({ random, width: 1 })), [
      "layer2.0.downsample",
      "layer3.0.downsample",
    ]);
    const first = ["layer1.0.downsample", "layer2.0.downsample", "layer3.0.downsample"];
    assert.deepEqual(projected(resnet20(always)), first);
    assert.deepEqual(projected(new ResNet({ ...tinyBottlenecks, blocks: [1, 2, 1] })), first);
    assert.deepEqual(projected(new ResNet({ ...tinyBottlenecks, ...always, blocks: [1, 2, 1] })), first);
  });

  it("starts blocks as their shortcuts where zeroInitResidual", async () => {
    const x = randn([2, 4, 4, 2], new Random(1));
    const firstStage = async (options: { zeroInitResidual?: boolean }) =>
      tiny(options).stages[0]?.forward(x).data();
    assert.deepEqual(await firstStage({ zeroInitResidual: true }), await relu(x).data());
    assert.notDeepEqual(await firstStage({}), await relu(x).data());
    const scales = new ResNet({ ...tinyBottlenecks, blocks: [1], zeroInitResidual: true }).namedParameters();
    assert.deepEqual(await read(scales.get("layer1.0.bn3.weight")!), [0, 0, 0, 0]);
    assert.deepEqual(await read(scales.get("layer1.0.bn2.weight")!), [1]);
  });

  it("is the same from the same seed", async () => {
    assert.deepEqual(await tiny().stateDict(), await tiny().stateDict());
  });

  it("sends a gradient to every parameter", async () => {
    const bottlenecks = new ResNet({ ...tinyBottlenecks, blocks: [1, 2], stem: "imagenet", numClasses: 3 });
    for (const net of [tiny({ numClasses: 3 }), bottlenecks]) {
      const x = randn([3, 12, 12, 1], new Random(1));
      scope(() => { backward(crossEntropy(net.forward(x), [0, 1, 2])); }); // prettier-ignore
      for (const [name, { grad }] of net.namedParameters()) {
        const gradient = await grad?.data();
        assert.ok(gradient?.some((value) => value !== 0), name); // prettier-ignore
      }
    }
  });

  it("evaluates each image by itself, unlike training", async () => {
    const net = tiny();
    const x = randn([2, 5, 5, 1], new Random(1));
    const alone = randn([1, 5, 5, 1], new Random(1)); // the first image
    const features = async (images: typeof x) => Array.from(await noGrad(() => net.forward(images)).data());
    assert.notDeepEqual((await features(x)).slice(0, 8), await features(alone));
    net.eval();
    assert.deepEqual((await features(x)).slice(0, 8), await features(alone));
  });

  it("refuses sizes that are no positive integers", () => {
    const random = new Random(0);
    assert.throws(() => resnet8({ random, width: 0 }), ValueError);
    assert.throws(() => resnet8({ random, inChannels: 1.5 }), ValueError);
    assert.throws(() => resnet8({ random, numClasses: -1 }), ValueError);
    assert.throws(() => new ResNet({ ...tinyBottlenecks, blocks: [] }), ValueError);
    assert.throws(() => new ResNet({ ...tinyBottlenecks, blocks: [1, 0] }), ValueError);
  });
});
