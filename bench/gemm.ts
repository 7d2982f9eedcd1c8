/**
 * How near the CPU backend's matrix products and convolutions come to its micro-kernel, the loop at the heart of all of
 * them, on operands that stay in the first-level cache:
 *
 *     npx tsx bench/gemm.ts [threads]
 *
 * The micro-kernel runs on the same number of threads, once before each group; shares are of the best of its medians.
 * Times are medians. Other processes that use the cores spoil them: then the micro-kernel's medians lie far apart.
 */
import { Bench } from "tinybench";
import { microKernel } from "../engine/backends/cpu/ceilings.ts";
import { Machine } from "../engine/backends/cpu/machine.ts";
import type { Pointer } from "../engine/kernel.ts";
import { sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "../kernels/conv2d/conv2d.kernels.ts";
import { conv2dGeometry, conv2dOperations } from "../kernels/conv2d/geometry.ts";
import type { ConvOptions } from "../kernels/conv2d/geometry.ts";
import { batchedMatmul } from "../kernels/matmul/batched.kernels.ts";
import { matmul } from "../kernels/matmul/matmul.kernels.ts";

/** Something to time, and the floating-point operations it takes. */
interface Job {
  readonly name: string;
  readonly operations: number;
  readonly run: () => void;
}

const MICRO_KERNEL = "micro-kernel";

const threads = process.argv[2];
const machine = await Machine.create(threads === undefined ? {} : { threads: Number(threads) });
const blocks: Pointer[] = [];

function random(length: number): Pointer {
  const address = machine.heap.alloc(4 * length);
  for (let i = 0; i < length; i++) machine.f32[address / 4 + i] = Math.random() - 0.5;
  blocks.push(address);
  return address;
}

function ceiling(): Job {
  const { run, amount, addresses } = microKernel(machine);
  blocks.push(...addresses);
  return { name: MICRO_KERNEL, operations: amount, run };
}

function square(n: number): Job[] {
  const [a, b, c] = [random(n * n), random(n * n), random(n * n)];
  const params = { m: n, n, k: n, transposeA: 0, transposeB: 0 };
  const run = (): void => { matmul.cpu(machine, params, [a, b], [c]); }; // prettier-ignore
  return [{ name: `matmul ${n}`, operations: 2 * n ** 3, run }];
}

function batch(count: number, n: number): Job[] {
  const [a, b, c] = [random(count * n * n), random(count * n * n), random(count * n * n)];
  const sizes = { m: n, n, k: n, transposeA: 0, transposeB: 0 };
  const params = { ...sizes, outer: 1, inner: count, aOuter: 0, aInner: 1, bOuter: 0, bInner: 1 };
  const run = (): void => { batchedMatmul.cpu(machine, params, [a, b], [c]); }; // prettier-ignore
  return [{ name: `matmul ${count} x ${n}`, operations: 2 * count * n ** 3, run }];
}

function convolution(xShape: Shape, wShape: Shape, options: ConvOptions): Job[] {
  const g = conv2dGeometry("bench", xShape, wShape, options);
  const outputs = g.batch * g.outHeight * g.outWidth * g.outChannels;
  const [x, w, y] = [random(sizeOf(xShape)), random(sizeOf(wShape)), random(outputs)];
  const [dx, dw] = [random(sizeOf(xShape)), random(sizeOf(wShape))];
  const operations = conv2dOperations(g);
  const name = `conv ${xShape.join("x")} * ${wShape.join("x")}, stride ${g.strideHeight}, dilation ${g.dilationHeight}`;
  return [
    { name: `${name} forward`, operations, run: () => { conv2dForward.cpu(machine, g, [x, w], [y]); } }, // prettier-ignore
    { name: `${name} gradInput`, operations, run: () => { conv2dGradInput.cpu(machine, g, [y, w], [dx]); } }, // prettier-ignore
    { name: `${name} gradWeight`, operations, run: () => { conv2dGradWeight.cpu(machine, g, [x, y], [dw]); } }, // prettier-ignore
  ];
}

const same: ConvOptions = { padding: "same" };
const groups: readonly (() => Job[])[] = [
  () => square(512),
  () => square(1024),
  () => convolution([32, 16, 16, 64], [3, 3, 64, 64], same),
  () => convolution([32, 32, 32, 16], [3, 3, 16, 16], same),
  () => convolution([32, 16, 16, 64], [1, 1, 64, 256], same),
  () => convolution([32, 16, 16, 64], [3, 3, 64, 64], { ...same, stride: 2 }),
  () => convolution([256, 28, 28, 1], [3, 3, 1, 16], same),
  () => convolution([32, 16, 16, 64], [3, 3, 64, 64], { ...same, dilation: 2 }),
  () => convolution([8, 28, 28, 256], [3, 3, 8, 256], { ...same, groups: 32 }),
  () => convolution([8, 28, 28, 256], [3, 3, 1, 256], { ...same, groups: 256 }),
  () => batch(256, 64),
];

interface Row {
  readonly name: string;
  readonly milliseconds: number;
  /** 10^9 operations in a second. */
  readonly rate: number;
}

/** Times the jobs one after another. */
async function measure(jobs: readonly Job[]): Promise<Row[]> {
  const bench = new Bench({ time: 500, warmupTime: 100 });
  for (const { name, run } of jobs) bench.add(name, run);
  await bench.run();
  return jobs.map(({ name, operations }) => {
    const result = bench.getTask(name)?.result;
    if (result?.state !== "completed") {
      throw new Error(`${name}: expected a completed run, got ${result?.state ?? "none"}`);
    }
    return { name, milliseconds: result.latency.p50, rate: operations / result.latency.p50 / 1e6 };
  });
}

console.log(machine.describe());
const rows: Row[] = [];
for (const group of groups) {
  rows.push(...(await measure([ceiling(), ...group()])));
  for (const address of blocks.splice(0)) machine.heap.free(address);
}
machine.destroy();

const microRates = rows.filter(({ name }) => name === MICRO_KERNEL).map(({ rate }) => rate);
const best = Math.max(...microRates);
console.log(
  `micro-kernel: ${best.toFixed(1)} GFLOP/s (worst of ${microRates.length} medians: ${Math.min(...microRates).toFixed(1)})\n`,
);
const line = (name: string, ...cells: readonly string[]): void => {
  console.log(name.padEnd(70) + cells.map((cell) => cell.padStart(17)).join(""));
};
line("", "ms", "GFLOP/s", "of micro-kernel");
for (const { name, milliseconds, rate } of rows) {
  if (name === MICRO_KERNEL) continue;
  line(name, milliseconds.toFixed(3), rate.toFixed(1), `${((100 * rate) / best).toFixed(0)} %`);
}
