/**
 * Sums of softplus on the CPU. Cost: 2 R M D operations for the similarities, R M exponentials, logarithms and quotients
 * of about 20 each.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import { across, expLanes, log1pLanes } from "../../engine/backends/cpu/expression/math.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ContrastiveParams } from "./pairs.ts";
import { gatherOnCpu } from "./gather.cpu.ts";
import type { Gather } from "./gather.cpu.ts";
import { forLanes } from "./strip.cpu.ts";

/** The state: the sums of log(1 + e^x) and of its derivative 1 / (1 + e^-x) over positives, for x = threshold - s. */
const softplusSums: Gather = {
  name: "contrastiveSoftplus",
  state: [0, 0],
  gather(f, word, row, [sums, slopes]) {
    if (!sums || !slopes) return;
    const threshold = f.let(v128.load32Splat(i32.add(word("extra"), i32.shl(row.row, 2))));
    forLanes(f, word, row, ({ s, isPositive }) => {
      const x = f.let(f32x4.sub(threshold, s));
      // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); 1 / (1 + e^-x) from the same exponential.
      const small = f.let(expLanes(f, f32x4.neg(f32x4.abs(x))));
      const value = f32x4.add(f32x4.pmax(x, f32x4.const(0)), log1pLanes(f, small));
      const rises = f32x4.gt(x, f32x4.const(0));
      const slope = f32x4.div(v128.bitselect(f32x4.const(1), small, rises), f32x4.add(small, f32x4.const(1)));
      f.set(sums, f32x4.add(sums, v128.and(value, isPositive)));
      f.set(slopes, f32x4.add(slopes, v128.and(slope, isPositive)));
    });
  },
  finish: (f, state) => state.map((vector) => across(f, vector, f32x4.add)),
};

/** sums and slopes from the inputs of a contrastive kernel and thresholds. */
export const softplusOnCpu = (
  machine: Machine,
  params: ContrastiveParams,
  inputs: readonly Pointer[],
  outputs: readonly Pointer[],
): void => {
  gatherOnCpu(machine, softplusSums, params, inputs, outputs);
};
