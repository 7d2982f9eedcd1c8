import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { Machine } from "../../engine/backends/cpu/machine.ts";
import { sizeOf } from "../../engine/shape.ts";
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "../../kernels/conv2d/conv2d.kernels.ts";
import { conv2dGeometry } from "../../kernels/conv2d/geometry.ts";
import type { ConvGeometry, ConvOptions } from "../../kernels/conv2d/geometry.ts";
import { assertWithinRounding, floats, integers, runDefinition, runOnCpu } from "./run-kernel.ts";

interface Case {
  readonly x: [number, number, number, number];
  readonly w: [number, number, number, number];
  readonly options: ConvOptions;
}

const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const channels = fc.oneof(int(1, 5), fc.constantFrom(7, 8, 9, 12, 16, 17, 24));

/** Groups, and the input and output channels of each: one group, depthwise, and everything in between. */
const groupings: fc.Arbitrary<readonly [number, number, number]> = fc.oneof(
  fc.tuple(fc.constant(1), channels, channels),
  fc.tuple(channels, fc.constant(1), fc.constant(1)),
  fc.tuple(int(2, 5), int(1, 5), int(1, 9)),
);

/** Random convolutions: kernels 1 to 5, square or not, strides and dilations 1 to 4, every kind of padding. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    size: fc.tuple(int(1, 3), int(1, 11), int(1, 11)),
    kernel: fc.oneof(
      int(1, 5).map((k) => [k, k] as const),
      fc.tuple(int(1, 5), int(1, 5)),
    ),
    grouping: groupings,
    stride: fc.oneof(int(1, 3), fc.tuple(int(1, 4), int(1, 4))),
    dilation: fc.oneof(fc.constant(1), fc.tuple(int(1, 4), int(1, 4))),
    padding: fc.oneof(
      fc.constantFrom("same" as const, "valid" as const),
      int(0, 3),
      fc.tuple(int(0, 4), int(0, 4)),
    ),
  })
  .map(({ size, kernel, grouping: [groups, cin, cout], ...options }): Case => {
    return {
      x: [...size, groups * cin],
      w: [kernel[0], kernel[1], cin, groups * cout],
      options: { ...options, groups },
    };
  })
  .filter(({ x, w, options: { padding, dilation } }) => {
    const added =
      padding === "same"
        ? [99, 99]
        : padding === "valid"
          ? [0, 0]
          : typeof padding === "number"
            ? [padding, padding]
            : padding!;
    const steps = typeof dilation === "object" ? dilation : [dilation!, dilation!];
    return [0, 1].every((axis) => (w[axis]! - 1) * steps[axis]! < x[axis + 1]! + 2 * added[axis]!);
  });

/** x, w and y with their shapes and elements. */
interface Operands {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly y: Float32Array;
}
const geometryOf = ({ x, w, options }: Case): ConvGeometry => conv2dGeometry("conv2d", x, w, options);
const yShape = (g: ConvGeometry): number[] => [g.batch, g.outHeight, g.outWidth, g.outChannels];
function operandsOf(c: Case, make: (length: number, seed: number) => Float32Array, seed = 1): Operands {
  return {
    x: make(sizeOf(c.x), seed),
    w: make(sizeOf(c.w), seed + 1),
    y: make(sizeOf(yShape(geometryOf(c))), seed + 2),
  };
}

/** The three passes, as functions of x, w and y. */
const passes = [
  { kernel: conv2dForward, inputs: ({ x, w }: Operands) => [x, w], length: ({ y }: Operands) => y.length },
  { kernel: conv2dGradInput, inputs: ({ w, y }: Operands) => [y, w], length: ({ x }: Operands) => x.length },
  { kernel: conv2dGradWeight, inputs: ({ x, y }: Operands) => [x, y], length: ({ w }: Operands) => w.length },
] as const;
const run = (machine: Machine, c: Case, o: Operands): Float32Array[] =>
  passes.map(({ kernel, inputs, length }) =>
    runOnCpu(machine, kernel, { ...geometryOf(c) }, inputs(o), length(o)),
  );
const define = (c: Case, o: Operands): Float64Array[] =>
  passes.map(({ kernel, inputs, length }) =>
    runDefinition(kernel, { ...geometryOf(c) }, inputs(o), length(o)),
  );

/**
 * All three passes by one walk over the windows of an image with a real border of zeros. It knows of the geometry
 * only what the caller of conv2d says: the windows' places come from walking until no further one fits.
 */
function naive(
  { x: [batch, height, width, cin], w: [kh, kw, groupChannels, cout], options }: Case,
  o: Operands,
): number[][] {
  const { groups = 1, dilation = 1 } = options;
  const [stepY, stepX] = typeof dilation === "object" ? dilation : [dilation, dilation];
  const [sh, sw] =
    typeof options.stride === "object" ? options.stride : [options.stride ?? 1, options.stride ?? 1];
  const [spanY, spanX] = [1 + (kh - 1) * stepY, 1 + (kw - 1) * stepX];
  const border = (length: number, kernel: number, stride: number, axis: 0 | 1): [number, number] => {
    const { padding = "valid" } = options;
    if (padding === "valid") return [0, 0];
    if (padding !== "same")
      return typeof padding === "number" ? [padding, padding] : [padding[axis], padding[axis]];
    // As many zeros as ceil(length / stride) windows need, one side after the other, the end first.
    const sides: [number, number] = [0, 0];
    const needed = (Math.ceil(length / stride) - 1) * stride + kernel;
    for (let side = 1; length + sides[0] + sides[1] < needed; side = 1 - side) sides[side as 0 | 1]++;
    return sides;
  };
  const [top, bottom] = border(height, spanY, sh, 0);
  const [left, right] = border(width, spanX, sw, 1);
  const starts = (length: number, kernel: number, stride: number): number[] => {
    const list = [];
    for (let start = 0; start + kernel <= length; start += stride) list.push(start);
    return list;
  };
  const y: number[] = [];
  const dx = new Array<number>(o.x.length).fill(0);
  const dw = new Array<number>(o.w.length).fill(0);
  for (let image = 0; image < batch; image++) {
    for (const startY of starts(top + height + bottom, spanY, sh)) {
      for (const startX of starts(left + width + right, spanX, sw)) {
        for (let co = 0; co < cout; co++) {
          const dy = o.y[y.length]!;
          let sum = 0;
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const [row, column] = [startY + ky * stepY - top, startX + kx * stepX - left];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              // Cut into groups, the channels of x and of y pair off in order.
              const firstChannel = groupChannels * Math.floor(co / (cout / groups));
              for (let ci = 0; ci < groupChannels; ci++) {
                const at = ((image * height + row) * width + column) * cin + firstChannel + ci;
                const tap = ((ky * kw + kx) * groupChannels + ci) * cout + co;
                sum += o.x[at]! * o.w[tap]!;
                dx[at]! += dy * o.w[tap]!;
                dw[tap]! += dy * o.x[at]!;
              }
            }
          }
          y.push(sum);
        }
      }
    }
  }
  return [y, dx, dw];
}

const lists = (arrays: readonly ArrayLike<number>[]): number[][] => arrays.map((array) => Array.from(array));
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe("conv2d kernels", async () => {
  const one = await Machine.create({ threads: 1 });
  const two = await Machine.create({ threads: 2 });
  const plain = await Machine.create({ threads: 1, relaxedSimd: false });
  after(() => { for (const machine of [one, two, plain]) machine.destroy(); }); // prettier-ignore

  it("one channel, worked by hand", () => {
    // x = [1 2 3; 4 5 6; 7 8 9] and w = [1 2; 3 4], so y[0, 0] = 1 + 4 + 12 + 20. The window at (i, j) of x weighs in dw
    // with dy[i, j], and spreads dy[i, j] * w over dx.
    const c: Case = { x: [1, 3, 3, 1], w: [2, 2, 1, 1], options: {} };
    const o = { x: [1, 2, 3, 4, 5, 6, 7, 8, 9], w: [1, 2, 3, 4], y: [1, 0, 0, -1] };
    const expected = [
      [37, 47, 67, 77],
      [1, 2, 0, 3, 3, -2, 0, -3, -4],
      [1 - 5, 2 - 6, 4 - 8, 5 - 9],
    ];
    const operands = { x: Float32Array.from(o.x), w: Float32Array.from(o.w), y: Float32Array.from(o.y) };
    assert.deepEqual(lists(define(c, operands)), expected);
    for (const machine of [one, two, plain]) assert.deepEqual(lists(run(machine, c, operands)), expected);
  });

  it("two channels, stride 2 and padding 1, worked by hand", () => {
    // Pixels (1, 10) (2, 20); (3, 30) (4, 40), and a kernel of 2 x 2 on the padded 4 x 4 image in steps of 2: each
    // window sees one pixel, by its taps (1, 1), (1, 0), (0, 1), (0, 0) in this order.
    const c: Case = { x: [1, 2, 2, 2], w: [2, 2, 2, 1], options: { stride: 2, padding: 1 } };
    const o = { x: [1, 10, 2, 20, 3, 30, 4, 40], w: [1, 2, 3, 4, 5, 6, 7, 8], y: [1, 2, 3, 4] };
    const expected = [
      [7 + 80, 10 + 120, 9 + 120, 4 + 80],
      [7, 8, 10, 12, 9, 12, 4, 8],
      [16, 160, 9, 90, 4, 40, 1, 10],
    ];
    const operands = { x: Float32Array.from(o.x), w: Float32Array.from(o.w), y: Float32Array.from(o.y) };
    assert.deepEqual(lists(define(c, operands)), expected);
    for (const machine of [one, two, plain]) assert.deepEqual(lists(run(machine, c, operands)), expected);
  });

  it("dilation 2, worked by hand", () => {
    // Taps 2 apart: w = [1 2; 3 4] on the corners of the 3 x 3 image, which are 1, 3, 7, 9.
    const c: Case = { x: [1, 3, 3, 1], w: [2, 2, 1, 1], options: { dilation: 2 } };
    const o = { x: [1, 2, 3, 4, 5, 6, 7, 8, 9], w: [1, 2, 3, 4], y: [10] };
    const expected = [[1 + 6 + 21 + 36], [10, 0, 20, 0, 0, 0, 30, 0, 40], [10, 30, 70, 90]];
    const operands = { x: Float32Array.from(o.x), w: Float32Array.from(o.w), y: Float32Array.from(o.y) };
    assert.deepEqual(lists(define(c, operands)), expected);
    for (const machine of [one, two, plain]) assert.deepEqual(lists(run(machine, c, operands)), expected);
  });

  it("two groups of two channels, and depthwise, worked by hand", () => {
    // One pixel (1, 2, 3, 4). Groups: (1, 2) meets the first two columns of w, (3, 4) the last two.
    const grouped: Case = { x: [1, 1, 1, 4], w: [1, 1, 2, 4], options: { groups: 2 } };
    const o = { x: [1, 2, 3, 4], w: [1, 2, 3, 4, 10, 20, 30, 40], y: [1, 10, 100, 1000] };
    const expected = [
      [21, 42, 129, 172],
      [21, 210, 4300, 43000],
      [1, 10, 300, 3000, 2, 20, 400, 4000],
    ];
    // Every channel on its own: products of corresponding elements.
    const depthwise: Case = { x: [1, 1, 1, 4], w: [1, 1, 1, 4], options: { groups: 4 } };
    const p = { x: [1, 2, 3, 4], w: [5, 6, 7, 8], y: [1, 10, 100, 1000] };
    const products = [
      [5, 12, 21, 32],
      [5, 60, 700, 8000],
      [1, 20, 300, 4000],
    ];
    for (const [c, numbers, target] of [
      [grouped, o, expected],
      [depthwise, p, products],
    ] as const) {
      const { x, w, y } = numbers;
      const operands = { x: Float32Array.from(x), w: Float32Array.from(w), y: Float32Array.from(y) };
      assert.deepEqual(lists(define(c, operands)), target);
      for (const machine of [one, two, plain]) assert.deepEqual(lists(run(machine, c, operands)), target);
    }
  });

  it("is exact on integers: definitions, CPU bodies and one naive loop agree on any geometry", () => {
    fc.assert(
      fc.property(cases, fc.nat(), (c, seed) => {
        const o = operandsOf(c, integers, seed);
        const expected = naive(c, o);
        assert.deepEqual(lists(define(c, o)), expected);
        for (const machine of [two, plain]) assert.deepEqual(lists(run(machine, c, o)), expected);
      }),
      { numRuns: 300 },
    );
  });

  it("the three passes are adjoint: <conv(x, w), y> = <x, gradInput(y, w)> = <w, gradWeight(x, y)>", () => {
    fc.assert(
      fc.property(cases, fc.nat(), (c, seed) => {
        const o = operandsOf(c, integers, seed);
        const [y, dx, dw] = run(one, c, o);
        assert.equal(dot(y!, o.y), dot(o.x, dx!));
        assert.equal(dot(y!, o.y), dot(o.w, dw!));
      }),
    );
  });

  it("stays within the rounding errors of f32, with and without fused multiply-add", () => {
    fc.assert(
      fc.property(cases, fc.nat(), (c, seed) => {
        const o = operandsOf(c, floats, seed);
        const exact = define(c, o);
        const absolutes = define(c, { x: o.x.map(Math.abs), w: o.w.map(Math.abs), y: o.y.map(Math.abs) });
        const taps = c.w[0] * c.w[1];
        const terms = [taps * c.w[2], (taps * c.w[3]) / c.options.groups!, o.y.length / c.w[3]];
        for (const machine of [one, plain]) {
          run(machine, c, o).forEach((actual, pass) => {
            assertWithinRounding(actual, exact[pass]!, absolutes[pass]!, terms[pass]! + 1);
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  const large: Record<string, Case> = {
    "small images, several in a unit": { x: [70, 3, 2, 5], w: [3, 3, 5, 9], options: { padding: 1 } },
    "many images, several units in a chunk": { x: [40, 17, 16, 3], w: [3, 2, 3, 9], options: { padding: 1 } },
    "one image in bands": { x: [1, 90, 30, 3], w: [3, 5, 3, 8], options: { padding: 2, stride: [1, 2] } },
    "an image too large for one task's memory": {
      x: [1, 70, 66, 48],
      w: [3, 3, 48, 2],
      options: { padding: 1 },
    },
    "stride 3 in bands, with rows left over": { x: [2, 101, 17, 4], w: [5, 2, 4, 3], options: { stride: 3 } },
    "dilated columns, several bands": {
      x: [2, 60, 40, 9],
      w: [3, 3, 9, 11],
      options: { padding: 3, dilation: [2, 3] },
    },
    "groups of many channels": { x: [4, 20, 20, 48], w: [3, 3, 16, 24], options: { padding: 1, groups: 3 } },
    "depthwise, in bands": { x: [2, 64, 50, 37], w: [3, 3, 1, 37], options: { padding: 1, groups: 37 } },
    "depthwise with more taps than registers": {
      x: [9, 30, 30, 6],
      w: [5, 7, 1, 6],
      options: { padding: "same", stride: 2, dilation: 2, groups: 6 },
    },
    "few pixels and many weights": { x: [2, 2, 2, 72], w: [3, 3, 72, 130], options: { padding: "same" } },
  };
  for (const [name, c] of Object.entries(large)) {
    it(`${name}: exact, and the same bits on one thread and on two`, () => {
      const o = operandsOf(c, integers);
      assert.deepEqual(lists(run(two, c, o)), naive(c, o));
      const inexact = operandsOf(c, floats);
      assert.deepEqual(run(one, c, inexact), run(two, c, inexact));
    });
  }

  it("an empty batch gives empty outputs and zero gradients", () => {
    const c: Case = { x: [0, 4, 4, 2], w: [3, 3, 2, 3], options: {} };
    assert.deepEqual(lists(run(two, c, operandsOf(c, integers))), [[], [], new Array(54).fill(0)]);
  });
});
