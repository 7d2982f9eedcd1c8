/** The sentences of docs/supcon.md that have numbers in them, with the numbers as the code gives them. */
import assert from "node:assert/strict";
import { levels, seeds, simplexLoss } from "../../docs/charts/curves.ts";
import { CLASSES, descend, labels, SAMPLES, STEPS, TEMPERATURE, VIEWS } from "../../docs/charts/descent.ts";
import { positivePulls } from "../../docs/charts/positives.ts";
import { negativeShares } from "../../docs/charts/temperature.ts";
import { TILE_ROWS } from "../../engine/backends/cpu/gemm/tile.ts";
import { tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { Linear } from "../../nn/index.ts";
import { resolveOptions } from "../../supcon/losses/options.ts";
import { supConDiagnostics, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { MomentumEncoder } from "../../supcon/negatives/momentum-encoder.ts";
import { normalRows } from "../supcon/oracle.ts";
import { read } from "./page.ts";

const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const percent = (x: number): string => `${Math.round(100 * x)} %`;

/** Figure 2. */
export async function ofTemperature(): Promise<string[]> {
  const shares = await negativeShares();
  const at = (temperature: number, similarity: number): number =>
    shares.find((x) => x.temperature === temperature && x.similarity === similarity)!.share;
  const nearest = (temperature: number): string => percent(at(temperature, 1));
  const ratio = (temperature: number): string => (at(temperature, 1) / at(temperature, 0.9)).toFixed(2);
  const negatives = shares.filter(({ temperature }) => temperature === 1).length;
  return [
    `With τ = 0.1, a similarity higher by 0.1 makes a factor of ${ratio(0.1)}; with τ = 1, one of ${ratio(1)}.`,
    `${negatives} negatives, spread evenly. The nearest has ${nearest(0.05)} of the weight with τ = 0.05, ` +
      `${nearest(0.1)} with 0.1, ${nearest(0.2)} with 0.2, ${nearest(0.5)} with 0.5 and ${nearest(1)} with 1.`,
  ];
}

/** Figure 3. */
export async function ofPositives(): Promise<string[]> {
  const pulls = await positivePulls();
  const [out, inside] = ["L_out", "L_in"].map((name) =>
    pulls.filter(({ loss }) => loss === name).map(({ pull }) => pull),
  );
  const [ofOut, ofIn] = [total(out!), total(inside!)];
  assert.ok(Math.abs(ofOut - ofIn) < 1e-12, `one total, got ${ofOut} and ${ofIn}`);
  assert.ok(out!.at(-1)! < 0, "L_out pushes the nearest positive");
  const nearest = (all: readonly number[]): string => percent(total(all.slice(-3)) / total(all));
  return [
    `${out!.length} positives, and nine times as many negatives, spread alike over similarities from −0.9 to 0.9, with τ = 0.1.`,
    `Both losses pull with the same total, ${ofOut.toFixed(2)}. L_in gives ${nearest(inside!)} of it to the nearest ` +
      `three of the ${inside!.length}; L_out gives ${nearest(out!)}.`,
  ];
}

/** How many classes are at one place: where the mean of a class's points is as long as they are. */
const together = (angles: readonly number[]): number =>
  Array.from({ length: CLASSES }, (_, label) => {
    const own = angles.filter((_, row) => labels[Math.floor(row / VIEWS)] === label);
    return Math.hypot(total(own.map(Math.cos)), total(own.map(Math.sin))) / own.length;
  }).filter((length) => length > 0.99).length;

/** Figures 4 and 5. */
export async function ofDescents(): Promise<string[]> {
  assert.deepEqual(
    [SAMPLES, CLASSES, VIEWS],
    [12, 3, 2],
    "twelve samples of three classes, with two views each",
  );
  for (const seed of seeds) {
    assert.equal(together((await descend("L_out", seed)).end), CLASSES, `L_out from start ${seed}`);
    assert.ok(together((await descend("L_in", seed)).end) < CLASSES, `L_in from start ${seed}`);
  }
  const { losses } = await descend("L_out", 1, true);
  assert.ok(Math.abs(losses[5]! - levels.collapsed) < 1e-4, `${losses[5]} after five steps from one place`);
  assert.ok(losses.at(-1)! < levels.simplex + 0.01, `${losses.at(-1)} at last from one place`);
  return [
    `In all ${seeds.length} starts that were tried, L_out ends with each class at one place, and L_in with at least one class in pieces.`,
    `The same start each time, τ = ${TEMPERATURE}, ${STEPS} steps.`,
    `The least is ${levels.simplex.toFixed(4)}, hardly above the floor of ${levels.floor.toFixed(4)}.`,
    `wait at log ${SAMPLES * VIEWS - 1} = ${levels.collapsed.toFixed(4)}`,
  ];
}

/** What the losses are where all rows are equal, or all classes points. */
export function ofClosedForms(): string[] {
  const sizes = [32, 64, 128, 256, 512, 1024];
  const row = (name: string, cells: readonly (number | string)[]): string =>
    `| ${name} | ${cells.join(" | ")} |`;
  const collapsed = (scale: "none" | { base: number }) =>
    sizes.map((samples) => {
      const classes = Array.from({ length: samples }, (_, i) => i % 10);
      return supConDiagnostics(classes, 2, { temperature: 0.1, scale }).collapsed.toFixed(4);
    });
  const least = simplexLoss(10, 204.8, 0.1).toFixed(4);
  return [
    `For ten classes, a batch of 1024 samples with two views and τ = 0.1, that is ${least}`,
    row("samples, two views each", sizes),
    row("log(2N − 1)", collapsed("none")),
    row("the same in units of SupContrast", collapsed({ base: 0.07 })),
  ];
}

/** What options and sizes do. */
export async function ofOptions(): Promise<string[]> {
  const features = tensor(normalRows(4, 3, 1));
  const loss = (options: SupConOptions): Promise<number> =>
    supConLoss(features, [0, 1, 1, 3], options).item();
  assert.equal(await loss({ emptyAnchors: "skip" }), 2 * (await loss({ emptyAnchors: "zero" })));
  const scales = (await loss({ scale: { base: 0.07 } })) / (await loss({ scale: "temperature" }));
  const [source, module] = [1, 2].map((seed) => new Linear(1, 1, { random: new Random(seed) }));
  const columns = /STRIP_COLUMNS = (\d+)/.exec(read("kernels", "contrastive", "strip.cpu.ts"))?.[1];
  return [
    `${resolveOptions("", {}).temperature} is the default here`,
    `at τ = 0.1, a learning rate copied from one code into the other is off by a factor of ${Math.round(scales)}.`,
    `with m = ${new MomentumEncoder(source!, module!).momentum}`,
    `[strip] of ${TILE_ROWS} rows by ${columns} columns`,
    `At M = 8192, one such matrix would take ${Math.round((4 * 8192 ** 2) / 1e6)} MB.`,
  ];
}

/** What Khosla et al. say (tables 1, 6 and 2, and the best temperature), and settings of what is shown: of these no code tells. */
export const given = [
  "the paper reports 78.7 % top-1 for L_out and 67.4 % for L_in (table 1)",
  "an expected calibration error of 0.103 against 0.052 at severity 5",
  "CIFAR-10 with ResNet-50: 96.0 % against 95.0 % for cross-entropy, table 2",
  "The paper finds τ = 0.1 best",
  "from random embeddings, with τ = 0.5.",
  "SupContrast (PyTorch) by τ/0.07;",
  "Sum or mean, ×τ, ×τ/0.07:",
];
