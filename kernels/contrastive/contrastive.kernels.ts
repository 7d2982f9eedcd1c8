import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { gradientOnCpu } from "./gradient.cpu.ts";
import { lossesOnCpu } from "./losses.cpu.ts";
import { contrastiveGradientWgsl, contrastiveLossesWgsl } from "./contrastive.wgsl.ts";

type ContrastiveParam = "rows" | "features" | "temperature";

/**
 * For each row i of z [rows, features], with s_ia = z_i z_a / temperature over all other rows a, and P(i) those of them
 * in i's class:
 *
 *     logSumExp_i = log sum_{a != i} e^s_ia,   inversePositives_i = 1 / |P(i)|,   loss_i = logSumExp_i - mean of s_ip;
 *
 * the last two are 0 where P(i) is empty. The sum of exponentials is kept relative to the largest one met so far
 * (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018): one pass, and no row of s is stored.
 */
export const contrastiveLossesKernel = {
  name: "contrastiveLosses",
  inputs: { z: "f32", classes: "i32" },
  outputs: { loss: "f32", logSumExp: "f32", inversePositives: "f32" },
  params: ["rows", "features", "temperature"],
  js: {
    loss: function (this: Thread<ContrastiveParam>, z: Numbers, classes: Numbers) {
      const row = this.thread.x;
      let largest = -3.0e38;
      let total = 0;
      let similarities = 0;
      let positives = 0;
      for (let other = 0; other < this.constants.rows; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += z[row * this.constants.features + i]! * z[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        if (other !== row) {
          const shift = Math.max(largest, s);
          total = total * Math.exp(largest - shift) + Math.exp(s - shift);
          largest = shift;
          if (classes[other] === classes[row]) {
            similarities += s;
            positives += 1;
          }
        }
      }
      let loss = 0;
      if (positives > 0) loss = largest + Math.log(total) - similarities / positives;
      return loss;
    },
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- every body takes all inputs
    logSumExp: function (this: Thread<ContrastiveParam>, z: Numbers, _classes: Numbers) {
      const row = this.thread.x;
      let largest = -3.0e38;
      let total = 0;
      for (let other = 0; other < this.constants.rows; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += z[row * this.constants.features + i]! * z[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        if (other !== row) {
          const shift = Math.max(largest, s);
          total = total * Math.exp(largest - shift) + Math.exp(s - shift);
          largest = shift;
        }
      }
      return largest + Math.log(total);
    },
    inversePositives: function (this: Thread<ContrastiveParam>, _z: Numbers, classes: Numbers) {
      const row = this.thread.x;
      let positives = 0;
      for (let other = 0; other < this.constants.rows; other++) {
        if (other !== row && classes[other] === classes[row]) positives += 1;
      }
      let inverse = 0;
      if (positives > 0) inverse = 1 / positives;
      return inverse;
    },
  },
  cpu: lossesOnCpu,
  wgsl: contrastiveLossesWgsl,
} satisfies Kernel<ContrastiveParam>;

/**
 * dz from the gradients dLoss of the rows' losses, with the similarities computed once more:
 *
 *     dz_i = 1/temperature sum_{a != i} (G_ia + G_ai) z_a,   G_ia = (e^(s_ia - logSumExp_i) - [a in P(i)] / |P(i)|) dLoss_i
 */
export const contrastiveGradientKernel = {
  name: "contrastiveGradient",
  inputs: { z: "f32", classes: "i32", logSumExp: "f32", inversePositives: "f32", dLoss: "f32" },
  outputs: { dz: "f32" },
  params: ["rows", "features", "temperature"],
  js: {
    dz: function (
      this: Thread<ContrastiveParam>,
      z: Numbers,
      classes: Numbers,
      logSumExp: Numbers,
      inversePositives: Numbers,
      dLoss: Numbers,
    ) {
      const row = Math.floor(this.thread.x / this.constants.features);
      const column = this.thread.x - row * this.constants.features;
      let gradient = 0;
      for (let other = 0; other < this.constants.rows; other++) {
        let dot = 0;
        for (let i = 0; i < this.constants.features; i++) {
          dot += z[row * this.constants.features + i]! * z[other * this.constants.features + i]!;
        }
        const s = dot / this.constants.temperature;
        if (other !== row) {
          let own = Math.exp(s - logSumExp[row]!);
          let theirs = Math.exp(s - logSumExp[other]!);
          if (classes[other] === classes[row]) {
            own -= inversePositives[row]!;
            theirs -= inversePositives[other]!;
          }
          const weight = own * dLoss[row]! + theirs * dLoss[other]!;
          gradient += weight * z[other * this.constants.features + column]!;
        }
      }
      return gradient / this.constants.temperature;
    },
  },
  cpu: gradientOnCpu,
  wgsl: contrastiveGradientWgsl,
} satisfies Kernel<ContrastiveParam>;
