import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { Machine } from "../../engine/backends/cpu/machine.ts";
import { sizeOf } from "../../engine/shape.ts";
import { forwardOnCpu, gradInputOnCpu } from "../../kernels/conv2d/conv2d.cpu.ts";
import { gradWeightOnCpu } from "../../kernels/conv2d/grad-weight.cpu.ts";
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "../../kernels/conv2d/conv2d.kernels.ts";
import { conv2dGeometry, wShape, yShape } from "../../kernels/conv2d/geometry.ts";
import type { ConvGeometry, ConvOptions } from "../../kernels/conv2d/geometry.ts";
import {
  gradWeightTile,
  outputTile,
  TRANSFORM_ROUNDINGS,
  transforms,
  transpose,
} from "../../kernels/conv2d/winograd/winograd.ts";
import type { Matrix, OutputTile } from "../../kernels/conv2d/winograd/winograd.ts";
import { floats, integers, runDefinition, runOnCpu } from "./run-kernel.ts";

const UNIT = 2 ** -24;
const TILES: readonly OutputTile[] = [2, 4];

const multiply = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
const both = (a: Matrix, square: Matrix): number[][] => multiply(multiply(a, square), transpose(a));
const absolute = (a: Matrix): number[][] => a.map((row) => row.map(Math.abs));
const square = (side: number, at: (i: number, j: number) => number): number[][] =>
  Array.from({ length: side }, (_, i) => Array.from({ length: side }, (_, j) => at(i, j)));

/** A convolution of 3 x 3 taps and stride 1, computed in tiles of m x m, and its operands. */
interface Case {
  readonly g: ConvGeometry;
  readonly m: OutputTile;
  readonly x: Float32Array;
  readonly w: Float32Array;
}

type Shape4 = readonly [number, number, number, number];
function caseOf(
  m: OutputTile,
  x: Shape4,
  outChannels: number,
  options: ConvOptions,
  make: (length: number, seed: number) => Float32Array,
  seed = 1,
): Case {
  const g = conv2dGeometry("conv2d", x, [3, 3, x[3], outChannels], options);
  return { g, m, x: make(sizeOf(x), seed), w: make(sizeOf(wShape(g)), seed + 1) };
}

const forward = (m: OutputTile) => ({
  ...conv2dForward,
  cpu: ((machine, g, inputs, outputs) => {
    forwardOnCpu(machine, g, inputs, outputs, () => m);
  }) satisfies typeof forwardOnCpu,
});
const gradInput = (m: OutputTile) => ({
  ...conv2dGradInput,
  cpu: ((machine, g, inputs, outputs) => {
    gradInputOnCpu(machine, g, inputs, outputs, () => m);
  }) satisfies typeof gradInputOnCpu,
});
const gradWeight = (m: OutputTile) => ({
  ...conv2dGradWeight,
  cpu: ((machine, g, inputs, outputs) => {
    gradWeightOnCpu(machine, g, inputs, outputs, () => m);
  }) satisfies typeof gradWeightOnCpu,
});

/** The convolution whose gradient of the input is the convolution of the case. */
const adjoint = ({ g }: Case): ConvGeometry => ({
  ...g,
  height: g.outHeight,
  width: g.outWidth,
  inChannels: g.outChannels,
  outHeight: g.height,
  outWidth: g.width,
  outChannels: g.inChannels,
  padTop: 2 - g.padTop,
  padLeft: 2 - g.padLeft,
});

/** w [3, 3, in, out] with its taps in reverse order and its channels exchanged. */
function flipped({ g, w }: Case): Float32Array {
  return Float32Array.from({ length: w.length }, (_, at) => {
    const [tap, rest] = [
      Math.floor(at / (g.inChannels * g.outChannels)),
      at % (g.inChannels * g.outChannels),
    ];
    const [co, ci] = [Math.floor(rest / g.inChannels), rest % g.inChannels];
    return w[((8 - tap) * g.inChannels + ci) * g.outChannels + co]!;
  });
}

/** The convolution by both passes: as itself, and as the gradient of its adjoint, x taking the place of dy. */
const run = (machine: Machine, c: Case): Float32Array[] => {
  const length = sizeOf(yShape(c.g));
  return [
    runOnCpu(machine, forward(c.m), { ...c.g }, [c.x, c.w], length),
    runOnCpu(machine, gradInput(c.m), { ...adjoint(c) }, [c.x, flipped(c)], length),
  ];
};
const define = (c: Case): Float64Array =>
  runDefinition(conv2dForward, { ...c.g }, [c.x, c.w], sizeOf(yShape(c.g)));

const gradientOfWeights = (machine: Machine, { g, m, x, w }: Case, dy: Float32Array): Float32Array =>
  runOnCpu(machine, gradWeight(m), { ...g }, [x, dy], w.length);
const defineGradient = ({ g, x, w }: Case, dy: Float32Array): Float64Array =>
  runDefinition(conv2dGradWeight, { ...g }, [x, dy], w.length);

/** The sum over all tiles of |G|^T ((|A| |dY| |A|^T) * (|B|^T |D| |B|)) |G|, for each weight. */
function gradientAmplitudes({ g, m, x, w }: Case, dy: Float32Array): Float64Array {
  const { input, weights, output } = transforms(m);
  const [ofX, ofDy, ofSums] = [absolute(input), absolute(transpose(output)), absolute(transpose(weights))];
  const at = (t: Float32Array, image: number, row: number, column: number, size: readonly number[]) => (c: number): number =>
    row < 0 || row >= size[0]! || column < 0 || column >= size[1]! ? 0 : Math.abs(t[((image * size[0]! + row) * size[1]! + column) * size[2]! + c]!); // prettier-ignore
  const result = new Float64Array(w.length);
  for (let image = 0; image < g.batch; image++) {
    for (let top = 0; top < g.outHeight; top += m) {
      for (let left = 0; left < g.outWidth; left += m) {
        const xs = Array.from({ length: g.inChannels }, (_, ci) =>
          both(ofX, square(m + 2, (i, j) => at(x, image, top + i - g.padTop, left + j - g.padLeft, [g.height, g.width, g.inChannels])(ci)))); // prettier-ignore
        const dys = Array.from({ length: g.outChannels }, (_, co) =>
          both(ofDy, square(m, (i, j) => at(dy, image, top + i, left + j, [g.outHeight, g.outWidth, g.outChannels])(co)))); // prettier-ignore
        xs.forEach((ofInput, ci) => {
          dys.forEach((ofOutput, co) => {
            const products = square(m + 2, (i, j) => ofInput[i]![j]! * ofOutput[i]![j]!);
            both(ofSums, products).forEach((values, ky) => {
              values.forEach((value, kx) => {
                result[((3 * ky + kx) * g.inChannels + ci) * g.outChannels + co]! += value;
              });
            });
          });
        });
      }
    }
  }
  return result;
}

/** |A|^T (sum over channels of (|G| |W| |G|^T) * (|B|^T |D| |B|)) |A|, for each output. */
function amplitudes({ g, m, x, w }: Case): Float64Array {
  const { input, weights, output } = transforms(m);
  const [absInput, absWeights, absOutput] = [absolute(input), absolute(weights), absolute(output)];
  const result = new Float64Array(sizeOf(yShape(g)));
  const pixel = (image: number, row: number, column: number): number | undefined =>
    row < 0 || row >= g.height || column < 0 || column >= g.width
      ? undefined
      : ((image * g.height + row) * g.width + column) * g.inChannels;
  const filters = Array.from({ length: g.inChannels * g.outChannels }, (_, channels) =>
    both(
      absWeights,
      square(3, (i, j) => Math.abs(w[(3 * i + j) * g.inChannels * g.outChannels + channels]!)),
    ),
  );
  for (let image = 0; image < g.batch; image++) {
    for (let top = 0; top < g.outHeight; top += m) {
      for (let left = 0; left < g.outWidth; left += m) {
        const inputs = Array.from({ length: g.inChannels }, (_, ci) =>
          both(
            absInput,
            square(m + 2, (i, j) => {
              const at = pixel(image, top + i - g.padTop, left + j - g.padLeft);
              return at === undefined ? 0 : Math.abs(x[at + ci]!);
            }),
          ),
        );
        for (let co = 0; co < g.outChannels; co++) {
          const products = square(m + 2, (i, j) =>
            inputs.reduce(
              (sum, each, ci) => sum + each[i]![j]! * filters[ci * g.outChannels + co]![i]![j]!,
              0,
            ),
          );
          both(absOutput, products).forEach((values, i) => {
            values.forEach((value, j) => {
              if (top + i >= g.outHeight || left + j >= g.outWidth) return;
              result[((image * g.outHeight + top + i) * g.outWidth + left + j) * g.outChannels + co] = value;
            });
          });
        }
      }
    }
  }
  return result;
}

/** Holds results to the bound of `winograd.ts`, where every result is a sum of so many products for each position. */
function assertWithin(
  result: Float32Array,
  exact: Float64Array,
  amplitude: Float64Array,
  products: number,
): void {
  const roundings = (products + TRANSFORM_ROUNDINGS) * UNIT;
  exact.forEach((value, i) => {
    const bound = (roundings / (1 - roundings)) * amplitude[i]!;
    const error = Math.abs(result[i]! - value);
    assert.ok(error <= bound, `element ${i}: ${result[i]} is ${error} off ${value}, more than ${bound}`);
  });
}

const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const channels = fc.oneof(int(1, 9), fc.constantFrom(12, 15, 16, 17, 24));
const shapes = fc
  .record({
    m: fc.constantFrom(...TILES),
    x: fc.tuple(int(1, 5), int(1, 13), int(1, 13), channels),
    outChannels: channels,
    padding: fc.oneof(fc.constant("same" as const), int(0, 2), fc.tuple(int(0, 2), int(0, 2))),
  })
  .filter(({ x: [, height, width], padding }) => {
    const [vertical, horizontal] = typeof padding === "object" ? padding : [padding, padding];
    const fits = (length: number, added: typeof vertical) => added === "same" || length + 2 * added >= 3;
    return fits(height, vertical) && fits(width, horizontal);
  });

describe("Winograd's convolution", async () => {
  const one = await Machine.create({ threads: 1 });
  const two = await Machine.create({ threads: 2 });
  const plain = await Machine.create({ threads: 1, relaxedSimd: false });
  after(() => { for (const machine of [one, two, plain]) machine.destroy(); }); // prettier-ignore

  it("F(2, 3) is the one of the papers, up to signs that cancel", () => {
    assert.deepEqual(absolute(transforms(2).output), [[1, 1, 1, 0], [0, 1, 1, 1]]); // prettier-ignore
    assert.deepEqual(absolute(transforms(2).weights), [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0, 0, 1]]); // prettier-ignore
    assert.deepEqual(absolute(transforms(2).input), [[1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1]]); // prettier-ignore
  });

  it("the matrices give the outputs of a 3-tap kernel: y = A^T ((G g) * (B^T d))", () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true });
    for (const m of TILES) {
      const { input, weights, output } = transforms(m);
      const lists = [fc.array(number, { minLength: 3, maxLength: 3 }), fc.array(number, { minLength: m + 2, maxLength: m + 2 })] as const; // prettier-ignore
      fc.assert(
        fc.property(...lists, (g, d) => {
          const [points, values] = [multiply(weights, g.map((x) => [x])), multiply(input, d.map((x) => [x]))]; // prettier-ignore
          const y = multiply(output, points.map(([x], i) => [x! * values[i]![0]!])); // prettier-ignore
          y.forEach(([value], k) => {
            const expected = g.reduce((sum, tap, i) => sum + tap * d[k + i]!, 0);
            assert.ok(Math.abs(value! - expected) < 1e-13, `${m}: ${value} for ${expected}`);
          });
        }),
      );
    }
  });

  it("stays within its bound: forward and gradInput, any shape and padding, with and without fused multiply-add", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), ({ m, x, outChannels, padding }, seed) => {
        const c = caseOf(m, x, outChannels, { padding }, floats, seed);
        const [exact, amplitude] = [define(c), amplitudes(c)];
        for (const machine of [two, plain]) {
          for (const result of run(machine, c)) assertWithin(result, exact, amplitude, c.g.inChannels);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("stays within its bound: gradient of the weights", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), ({ m, x, outChannels, padding }, seed) => {
        const c = caseOf(m, x, outChannels, { padding }, floats, seed);
        const dy = floats(sizeOf(yShape(c.g)), seed + 2);
        const [exact, amplitude] = [defineGradient(c, dy), gradientAmplitudes(c, dy)];
        const tiles = c.g.batch * Math.ceil(c.g.outHeight / m) * Math.ceil(c.g.outWidth / m);
        for (const machine of [two, plain]) {
          assertWithin(gradientOfWeights(machine, c, dy), exact, amplitude, tiles);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is exact on integers with tiles of 2 x 2", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), ({ x, outChannels, padding }, seed) => {
        const c = caseOf(2, x, outChannels, { padding }, integers, seed);
        const exact = Array.from(define(c));
        for (const result of run(two, c)) assert.deepEqual(Array.from(result), exact);
        const dy = integers(sizeOf(yShape(c.g)), seed + 2);
        assert.deepEqual(Array.from(gradientOfWeights(two, c, dy)), Array.from(defineGradient(c, dy)));
      }),
      { numRuns: 60 },
    );
  });

  it("is chosen for the gradient of the weights where the tiles make several chunks", () => {
    const choice = (x: Shape4, outChannels: number) =>
      gradWeightTile(conv2dGeometry("conv2d", x, [3, 3, x[3], outChannels], { padding: "same" }));
    assert.equal(choice([32, 32, 32, 16], 16), 4);
    assert.equal(choice([32, 8, 8, 64], 64), 4);
    assert.equal(choice([8, 8, 8, 64], 64), 2, "32 tiles of 4 x 4 are one chunk, 128 of 2 x 2 are four");
    assert.equal(choice([64, 8, 8, 1024], 1024), undefined, "sums of 150 MB, of 67 MB for 2 x 2");
    assert.equal(choice([32, 32, 32, 3], 16), undefined, "too few channels");
  });

  it("has the errors that are stated: root mean square of error / (sum of |x| |w|), in units of 2^-24", () => {
    const stated = { 2: { 16: 0.32, 64: 0.25 }, 4: { 16: 1.03, 64: 0.8 } } as const;
    for (const m of TILES) {
      for (const inChannels of [16, 64] as const) {
        const c = caseOf(m, [2, 20, 20, inChannels], 8, { padding: "same" }, floats, 7);
        const absolutes = define({ ...c, x: c.x.map(Math.abs), w: c.w.map(Math.abs) });
        const exact = define(c);
        for (const machine of [two, plain]) {
          for (const result of run(machine, c)) {
            const squares = result.map((value, i) => ((value - exact[i]!) / absolutes[i]! / UNIT) ** 2);
            const measured = Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / squares.length);
            assert.ok(
              measured < 1.25 * stated[m][inChannels],
              `m = ${m}, ${inChannels} channels: ${measured}`,
            );
          }
        }
      }
    }
  });

  const large: Record<string, readonly [Shape4, number, ConvOptions]> = {
    "several images in a unit": [[9, 6, 7, 12], 20, { padding: 1 }],
    "several blocks in an image": [[4, 37, 33, 10], 16, { padding: "same" }],
    "bands of rows": [[1, 150, 70, 36], 9, { padding: 1 }],
    "many channels": [[2, 9, 9, 136], 72, { padding: [1, 2] }],
  };
  for (const [name, [x, outChannels, options]] of Object.entries(large)) {
    it(`${name}: right, and the same bits on one thread and on two`, () => {
      for (const m of TILES) {
        const c = caseOf(m, x, outChannels, options, floats);
        const exact = define(c);
        const results = run(two, c);
        for (const result of results) {
          const worst = exact.reduce((most, value, i) => Math.max(most, Math.abs(value - result[i]!)), 0);
          assert.ok(worst < 1e-5 * Math.sqrt(c.g.inChannels), `m = ${m}: ${worst}`);
        }
        assert.deepEqual(run(one, c), results);

        const dy = floats(sizeOf(yShape(c.g)), 3);
        const [ofWeights, exactly] = [gradientOfWeights(two, c, dy), defineGradient(c, dy)];
        const pixels = c.g.batch * c.g.outHeight * c.g.outWidth;
        const worst = exactly.reduce((most, value, i) => Math.max(most, Math.abs(value - ofWeights[i]!)), 0);
        assert.ok(worst < 1e-5 * Math.sqrt(pixels), `m = ${m}: ${worst}`);
        assert.deepEqual(gradientOfWeights(one, c, dy), ofWeights);
      }
    });
  }

  it("is chosen for 3 x 3 taps of stride 1 where there are channels and tiles enough", () => {
    const choice = (x: Shape4, kernel: number, outChannels: number, options: ConvOptions = {}) =>
      outputTile(conv2dGeometry("conv2d", x, [kernel, kernel, x[3] / (options.groups ?? 1), outChannels], { padding: "same", ...options })); // prettier-ignore
    assert.equal(choice([32, 32, 32, 16], 3, 16), 4);
    assert.equal(choice([32, 8, 8, 64], 3, 64), 4);
    assert.equal(choice([32, 5, 5, 64], 3, 64), 2, "as many multiplications with either");
    assert.equal(choice([1, 16, 16, 64], 3, 64), 2, "16 tiles of 4 x 4 are too few");
    assert.equal(choice([1, 4, 4, 64], 3, 64), undefined, "too few tiles");
    assert.equal(choice([32, 32, 32, 3], 3, 16), undefined, "too few channels");
    assert.equal(choice([256, 1, 1, 64], 3, 64), undefined, "mostly padding");
    assert.equal(choice([32, 32, 32, 16], 1, 16), undefined, "1 x 1");
    assert.equal(choice([32, 32, 32, 16], 5, 16), undefined, "5 x 5");
    assert.equal(choice([32, 32, 32, 16], 3, 16, { stride: 2 }), undefined, "stride");
    assert.equal(choice([32, 32, 32, 16], 3, 16, { dilation: 2 }), undefined, "dilation");
    assert.equal(choice([32, 32, 32, 32], 3, 32, { groups: 2 }), undefined, "groups");
  });
});
