import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward, noGrad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { randn } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { crossEntropy, relu } from "../../kernels/index.ts";
import type { Module } from "../../nn/module.ts";
import { resnet20, resnet8 } from "../../nn/resnet.ts";

const count = (module: Module) => module.parameters().reduce((total, { size }) => total + size, 0);

const tiny = (options: { numClasses?: number; zeroInitResidual?: boolean } = {}) =>
  resnet8({ random: new Random(0), width: 2, inChannels: 1, ...options });

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
    assert.equal(count(resnet8({ random, numClasses: 10 })), 78_042);
    assert.equal(count(resnet20({ random, numClasses: 10 })), 272_474);
    assert.equal(count(resnet20({ random })), 272_474 - 650);
    // In half the width, on one channel: convolutions but the stem's shrink by 4, the normalisations' 672 by 2.
    const [stem, rest, norms] = [432 / 6, (77_392 - 432 - 672) / 4, 672 / 2];
    assert.equal(count(resnet8({ random, width: 8, inChannels: 1 })), stem + rest + norms);
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

  it("halves the map in stages 2 and 3 only", () => {
    const net = tiny();
    const first = net.layer1.forward(randn([1, 8, 8, 2], new Random(1)));
    const second = net.layer2.forward(first);
    const third = net.layer3.forward(second);
    assert.deepEqual([first.shape, second.shape, third.shape], [[1, 8, 8, 2], [1, 4, 4, 4], [1, 2, 2, 8]]); // prettier-ignore
  });

  it("starts blocks as their shortcuts where zeroInitResidual", async () => {
    const x = randn([2, 4, 4, 2], new Random(1));
    const output = await tiny({ zeroInitResidual: true }).layer1.forward(x).data();
    assert.deepEqual(output, await relu(x).data());
    assert.notDeepEqual(await tiny().layer1.forward(x).data(), output);
  });

  it("is the same from the same seed, and sends a gradient to every parameter", async () => {
    const [net, twin] = [tiny({ numClasses: 3 }), tiny({ numClasses: 3 })];
    assert.deepEqual(await net.stateDict(), await twin.stateDict());
    scope(() => { backward(crossEntropy(net.forward(randn([3, 5, 5, 1], new Random(1))), [0, 1, 2])); }); // prettier-ignore
    for (const [name, { grad }] of net.namedParameters()) {
      const gradient = await grad?.data();
      assert.ok(gradient?.some((value) => value !== 0), name); // prettier-ignore
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
  });
});
