import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { softplusOnCpu } from "./softplus.cpu.ts";
import { softplusWgsl } from "./softplus.wgsl.ts";
import { contrastiveInputs } from "./pairs.ts";
import type { ContrastiveParam } from "./pairs.ts";

/**
 * For each anchor i, with s_ip as in `contrastiveSumsKernel` and a threshold t_i:
 *
 *     sums_i = sum over P(i) of log(1 + e^(t_i - s_ip)),   slopes_i = dsums_i / dt_i = sum over P(i) of 1 / (1 + e^(s_ip - t_i)).
 */
export const contrastiveSoftplusKernel = {
  name: "contrastiveSoftplus",
  inputs: { ...contrastiveInputs, thresholds: "f32" },
  outputs: { sums: "f32", slopes: "f32" },
  params: ["rows", "columns", "features", "temperature"],
  js: {
    sums: function (
      this: Thread<ContrastiveParam>,
      anchors: Numbers,
      contrast: Numbers,
      anchorLabels: Numbers,
      contrastLabels: Numbers,
      thresholds: Numbers,
    ) {
      const row = this.thread.x;
      let total = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
        }
        const gap = thresholds[row]! - dot / this.constants.temperature;
        const isPositive =
          contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row] &&
          contrastLabels[other] === anchorLabels[row];
        if (isPositive) {
          total += Math.max(gap, 0) + Math.log1p(Math.exp(-Math.abs(gap)));
        }
      }
      return total;
    },
    slopes: function (
      this: Thread<ContrastiveParam>,
      anchors: Numbers,
      contrast: Numbers,
      anchorLabels: Numbers,
      contrastLabels: Numbers,
      thresholds: Numbers,
    ) {
      const row = this.thread.x;
      let total = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += anchors[row * this.constants.features + i]! * contrast[other * this.constants.features + i]!;
        }
        const gap = thresholds[row]! - dot / this.constants.temperature;
        const isPositive =
          contrastLabels[this.constants.columns + other] !== anchorLabels[this.constants.rows + row] &&
          contrastLabels[other] === anchorLabels[row];
        if (isPositive) total += 1 / (1 + Math.exp(-gap));
      }
      return total;
    },
  },
  cpu: softplusOnCpu,
  wgsl: softplusWgsl,
} satisfies Kernel<ContrastiveParam>;
