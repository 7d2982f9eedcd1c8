import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { contrastiveInputs } from "./pairs.ts";
import type { ContrastiveParam } from "./pairs.ts";
import { splitSumsOnCpu, sumsOnCpu } from "./sums.cpu.ts";
import { splitSumsWgsl, sumsWgsl } from "./sums.wgsl.ts";

const params = ["rows", "columns", "features", "temperature"] as const;

/** The sum of s over the row's positives. */
function positives(
  this: Thread<ContrastiveParam>,
  anchors: Numbers,
  contrast: Numbers,
  anchorLabels: Numbers,
  contrastLabels: Numbers,
): number {
  const row = this.thread.x;
  let total = 0;
  for (let other = 0; other < this.constants.columns; other++) {
    let dot = 0;
    for (let i = 0; i < this.constants.features; i++) {
      dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
    }
    const isPositive =
      contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row] &&
      contrastLabels[other] === anchorLabels[row];
    if (isPositive) total += dot / this.constants.temperature;
  }
  return total;
}

/**
 * For each anchor i, with s_ia = q_i k_a / temperature over the rows a of the contrast set but i itself, and P(i) those
 * of them in i's class:
 *
 *     logAll_i = log sum_a e^s_ia,   positives_i = sum over P(i) of s_ip.
 *
 * The sum of exponentials is kept relative to the largest one met so far (Milakov and Gimelshein, "Online normalizer
 * calculation for softmax", 2018): one pass, and no row of s is stored. The log of an empty sum is -3e38, which stands
 * for -Infinity: differences of those would be NaN.
 */
export const contrastiveSumsKernel = {
  name: "contrastiveSums",
  inputs: contrastiveInputs,
  outputs: { logAll: "f32", positives: "f32" },
  params,
  js: {
    logAll: function (
      this: Thread<ContrastiveParam>,
      anchors: Numbers,
      contrast: Numbers,
      anchorLabels: Numbers,
      contrastLabels: Numbers,
    ) {
      const row = this.thread.x;
      let largest = -3.0e38;
      let total = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        if (contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row]) {
          const shift = Math.max(largest, s);
          total = total * Math.exp(largest - shift) + Math.exp(s - shift);
          largest = shift;
        }
      }
      return largest + Math.log(Math.max(total, 1));
    },
    positives,
  },
  cpu: sumsOnCpu,
  wgsl: sumsWgsl,
} satisfies Kernel<ContrastiveParam>;

/** As {@link contrastiveSumsKernel}, with a sum of exponentials over the negatives and one over the positives. */
export const contrastiveSplitSumsKernel = {
  name: "contrastiveSplitSums",
  inputs: contrastiveInputs,
  outputs: { logNegatives: "f32", logPositives: "f32", positives: "f32" },
  params,
  js: {
    logNegatives: function (
      this: Thread<ContrastiveParam>,
      anchors: Numbers,
      contrast: Numbers,
      anchorLabels: Numbers,
      contrastLabels: Numbers,
    ) {
      const row = this.thread.x;
      let largest = -3.0e38;
      let total = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        const isNegative =
          contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row] &&
          contrastLabels[other] !== anchorLabels[row];
        if (isNegative) {
          const shift = Math.max(largest, s);
          total = total * Math.exp(largest - shift) + Math.exp(s - shift);
          largest = shift;
        }
      }
      return largest + Math.log(Math.max(total, 1));
    },
    logPositives: function (
      this: Thread<ContrastiveParam>,
      anchors: Numbers,
      contrast: Numbers,
      anchorLabels: Numbers,
      contrastLabels: Numbers,
    ) {
      const row = this.thread.x;
      let largest = -3.0e38;
      let total = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        const isPositive =
          contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row] &&
          contrastLabels[other] === anchorLabels[row];
        if (isPositive) {
          const shift = Math.max(largest, s);
          total = total * Math.exp(largest - shift) + Math.exp(s - shift);
          largest = shift;
        }
      }
      return largest + Math.log(Math.max(total, 1));
    },
    positives,
  },
  cpu: splitSumsOnCpu,
  wgsl: splitSumsWgsl,
} satisfies Kernel<ContrastiveParam>;
