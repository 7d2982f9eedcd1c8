import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { gradientOnCpu } from "./gradient.cpu.ts";
import { gradientWgsl } from "./gradient.wgsl.ts";
import { contrastiveInputs } from "./pairs.ts";
import type { GradientParam } from "./pairs.ts";

/**
 * The gradient of rows x from the pull G of each pair, with the similarities computed once more:
 *
 *     dx_r = 1/temperature sum_c (own G_rc + theirs G_cr) y_c.
 *
 * G_rc is a function of s_rc and of what row r, as an anchor, has in the vectors nu, pi, a, b and m:
 *
 *     exponential:  a e^(s - nu) for negatives, b e^(s - pi) + m for positives
 *     softplus:     0 for negatives, m / (1 + e^(s - pi)) for positives,
 *
 * and G_cr the same of column c. So the vectors belong to the rows where `own` is 1, to the columns where `theirs` is 1,
 * and to both where x and y are one.
 */
export const contrastiveGradientKernel = {
  name: "contrastiveGradient",
  inputs: { ...contrastiveInputs, nu: "f32", pi: "f32", a: "f32", b: "f32", m: "f32" },
  outputs: { dx: "f32" },
  params: ["rows", "columns", "features", "temperature", "form", "own", "theirs"],
  js: {
    dx: function (
      this: Thread<GradientParam>,
      x: Numbers,
      y: Numbers,
      labels: Numbers,
      contrastLabels: Numbers,
      nu: Numbers,
      pi: Numbers,
      a: Numbers,
      b: Numbers,
      m: Numbers,
    ) {
      const row = Math.floor(this.thread.x / this.constants.features);
      const feature = this.thread.x - row * this.constants.features;
      let gradient = 0;
      for (let other = 0; other < this.constants.columns; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += x[row * this.constants.features + i]! * y[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        const isPositive =
          contrastLabels[this.constants.columns + other] !== labels[this.constants.rows + row] &&
          contrastLabels[other] === labels[row];
        const isNegative =
          contrastLabels[this.constants.columns + other] !== labels[this.constants.rows + row] &&
          contrastLabels[other] !== labels[row];
        let pull = 0;
        if (this.constants.own === 1) {
          if (this.constants.form === 2) {
            if (isPositive) pull += m[row]! / (1 + Math.exp(s - pi[row]!));
          } else {
            if (isPositive) pull += b[row]! * Math.exp(s - pi[row]!) + m[row]!;
            if (isNegative) pull += a[row]! * Math.exp(s - nu[row]!);
          }
        }
        if (this.constants.theirs === 1) {
          if (this.constants.form === 2) {
            if (isPositive) pull += m[other]! / (1 + Math.exp(s - pi[other]!));
          } else {
            if (isPositive) pull += b[other]! * Math.exp(s - pi[other]!) + m[other]!;
            if (isNegative) pull += a[other]! * Math.exp(s - nu[other]!);
          }
        }
        gradient += pull * y[other * this.constants.features + feature]!;
      }
      return gradient / this.constants.temperature;
    },
  },
  cpu: gradientOnCpu,
  wgsl: gradientWgsl,
} satisfies Kernel<GradientParam>;
