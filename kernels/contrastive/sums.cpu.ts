/**
 * The sums of exponentials on the CPU. Cost: 2 R M D operations for the similarities and R M exponentials of about 20;
 * every strip goes through its four rows' running sums twice, for the largest element and for the sum. A batch that is
 * compared with itself mostly takes half of that: `symmetric-sums.cpu.ts`.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local } from "../../engine/backends/cpu/assembler.ts";
import { across, expLanes, logLanes } from "../../engine/backends/cpu/expression/math.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ContrastiveParams } from "./pairs.ts";
import { gatherOnCpu } from "./gather.cpu.ts";
import type { Gather } from "./gather.cpu.ts";
import { forLanes, LOWEST } from "./strip.cpu.ts";
import { sharedShift, symmetricSumsOnCpu } from "./symmetric-sums.cpu.ts";

/**
 * What a row has gathered so far, four lanes of each: for a set of columns its largest s and the sum of e^(s - largest),
 * and the sum of s over its positives. Each lane has a largest element of its own; they meet at the row's end.
 */
const sums: Gather = {
  name: "contrastiveSums",
  state: [LOWEST, 0, 0],
  gather(f, word, row, state) {
    const [largest, total, positives] = state;
    if (!largest || !total || !positives) return;
    const before = f.let(largest);
    forLanes(f, word, row, ({ s, isOther, isPositive, at }) => {
      f.set(s, v128.bitselect(s, f32x4.const(LOWEST), isOther));
      f.set(largest, f32x4.pmax(largest, s));
      f.set(positives, f32x4.add(positives, v128.and(s, isPositive)));
      f.store(at, s);
    });
    f.set(total, f32x4.mul(total, expLanes(f, f32x4.sub(before, largest))));
    const end = f.let(i32.add(row.from, i32.shl(i32.sub(row.last, row.first), 2)));
    f.forRange(row.from, end, 16, (at) => {
      f.set(total, f32x4.add(total, expLanes(f, f32x4.sub(v128.load(at), largest))));
    });
  },
  finish(f, [largest, total, positives]) {
    if (!largest || !total || !positives) return [];
    return [logOfLanes(f, largest, total), across(f, positives, f32x4.add)];
  },
};

/** The same with two sets, negatives and positives: two largest elements and two sums. */
const splitSums: Gather = {
  name: "contrastiveSplitSums",
  state: [LOWEST, 0, LOWEST, 0, 0],
  gather(f, word, row, state) {
    const [largestN, totalN, largestP, totalP, positives] = state;
    if (!largestN || !totalN || !largestP || !totalP || !positives) return;
    const [beforeN, beforeP] = [f.let(largestN), f.let(largestP)];
    forLanes(f, word, row, ({ s, isOther, isPositive }) => {
      const isNegative = v128.andnot(isOther, isPositive);
      f.set(largestN, f32x4.pmax(largestN, v128.bitselect(s, f32x4.const(LOWEST), isNegative)));
      f.set(largestP, f32x4.pmax(largestP, v128.bitselect(s, f32x4.const(LOWEST), isPositive)));
      f.set(positives, f32x4.add(positives, v128.and(s, isPositive)));
    });
    f.set(totalN, f32x4.mul(totalN, expLanes(f, f32x4.sub(beforeN, largestN))));
    f.set(totalP, f32x4.mul(totalP, expLanes(f, f32x4.sub(beforeP, largestP))));
    forLanes(f, word, row, ({ s, isOther, isPositive }) => {
      const largest = v128.bitselect(largestP, largestN, isPositive);
      const term = f.let(v128.and(expLanes(f, f32x4.sub(s, largest)), isOther));
      f.set(totalP, f32x4.add(totalP, v128.and(term, isPositive)));
      f.set(totalN, f32x4.add(totalN, v128.andnot(term, isPositive)));
    });
  },
  finish(f, [largestN, totalN, largestP, totalP, positives]) {
    if (!largestN || !totalN || !largestP || !totalP || !positives) return [];
    const logs = [logOfLanes(f, largestN, totalN), logOfLanes(f, largestP, totalP)];
    return [...logs, across(f, positives, f32x4.add)];
  },
};

/** logAll and positives from the inputs of a contrastive kernel. */
export const sumsOnCpu = (
  machine: Machine,
  params: ContrastiveParams,
  inputs: readonly Pointer[],
  outputs: readonly Pointer[],
): void => {
  const [anchors = 0, contrast, anchorLabels, contrastLabels] = inputs;
  const isSymmetric = anchors === contrast && anchorLabels === contrastLabels;
  const shift = isSymmetric ? sharedShift(machine, params, anchors) : undefined;
  if (shift === undefined) gatherOnCpu(machine, sums, params, inputs, outputs);
  else symmetricSumsOnCpu(machine, params, inputs, outputs, shift);
};

/** logNegatives, logPositives and positives. */
export const splitSumsOnCpu = (
  machine: Machine,
  params: ContrastiveParams,
  inputs: readonly Pointer[],
  outputs: readonly Pointer[],
): void => {
  gatherOnCpu(machine, splitSums, params, inputs, outputs);
};

/** log of the sum of e^largest total over the lanes. */
function logOfLanes(f: FunctionBuilder, lanes: Local<"v128">, totals: Local<"v128">): Local<"v128"> {
  const largest = across(f, lanes, f32x4.max);
  // A lane that met no element of the set may have a sum too, of e^0 for masked ones: its factor here is 0.
  const total = across(f, f.let(f32x4.mul(totals, expLanes(f, f32x4.sub(lanes, largest)))), f32x4.add);
  // The largest element alone is 1: a smaller sum is that of no element, whose log is LOWEST.
  return f.let(f32x4.add(largest, logLanes(f, f32x4.max(total, f32x4.const(1)))));
}
