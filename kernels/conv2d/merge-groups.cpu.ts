/**
 * Groups of few channels, merged: several of them side by side become one group, whose weights are block-diagonal.
 *
 *     [ w0  0 ]
 *     [ 0  w1 ]
 *
 * A tile of the matrix product has 8 columns. Groups of fewer channels would leave the others idle, so the products by 0
 * take no time of their own; and there are fewer groups to go through.
 */
import { TILE_COLUMNS } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { sizeOf } from "../../engine/shape.ts";
import { copyRows } from "../layout/copy.cpu.ts";
import type { Rows } from "../layout/copy.cpu.ts";
import { wShape } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";

/** A convolution with its groups merged, and where its weights (or their gradient) are. */
type Use = (merged: ConvGeometry, w: Pointer) => void;

/** Runs `use` on the convolution with its groups merged and the weights that it has then. */
export function withMergedWeights(machine: Machine, g: ConvGeometry, w: Pointer, use: Use): void {
  const count = mergedCount(g);
  if (count === 1) {
    use(g, w);
    return;
  }
  withMergedGroups(machine, g, count, (merged, mergedW) => {
    machine.f32.fill(0, mergedW / 4, mergedW / 4 + sizeOf(wShape(merged)));
    eachBlockRow(g, count, w, mergedW, (own, inMerged, groups, length) => {
      copyRows(machine, groups, length, own, inMerged);
    });
    use(merged, mergedW);
  });
}

/** Runs `use`, which computes the gradient of the merged weights, and takes from it the gradient of the weights. */
export function withMergedGradient(machine: Machine, g: ConvGeometry, dw: Pointer, use: Use): void {
  const count = mergedCount(g);
  if (count === 1) {
    use(g, dw);
    return;
  }
  withMergedGroups(machine, g, count, (merged, mergedDw) => {
    use(merged, mergedDw);
    eachBlockRow(g, count, dw, mergedDw, (own, inMerged, groups, length) => {
      copyRows(machine, groups, length, inMerged, own);
    });
  });
}

/** How many groups become one: a divisor of their number, such that the channels of neither side exceed a tile. */
function mergedCount({ groups, inChannels, outChannels }: ConvGeometry): number {
  const channels = Math.max(inChannels, outChannels) / groups;
  let count = Math.max(1, Math.min(groups, Math.floor(TILE_COLUMNS / channels)));
  while (groups % count !== 0) count--;
  return count;
}

/** Memory for the weights of merged groups while `use` runs. */
function withMergedGroups(machine: Machine, g: ConvGeometry, count: number, use: Use): void {
  const merged = { ...g, groups: g.groups / count };
  const memory = machine.heap.alloc(4 * sizeOf(wShape(merged)));
  try {
    use(merged, memory);
  } finally {
    machine.heap.free(memory);
  }
}

/**
 * Every row of w in parts: those of groups that stand at the same position of a merged group, `length` weights of each of
 * `groups` groups. In the merged weights they are all in one row too.
 */
function eachBlockRow(
  g: ConvGeometry,
  count: number,
  w: Pointer,
  mergedW: Pointer,
  body: (own: Rows, inMerged: Rows, groups: number, length: number) => void,
): void {
  const groupChannels = g.inChannels / g.groups;
  const length = g.outChannels / g.groups;
  const stride = count * length;
  for (let tap = 0; tap < g.kernelHeight * g.kernelWidth; tap++) {
    for (let position = 0; position < count; position++) {
      for (let channel = 0; channel < groupChannels; channel++) {
        const row = tap * groupChannels + channel;
        const mergedRow = (tap * count + position) * groupChannels + channel;
        const first = position * length;
        body(
          { at: w + 4 * (row * g.outChannels + first), stride },
          { at: mergedW + 4 * (mergedRow * g.outChannels + first), stride },
          g.groups / count,
          length,
        );
      }
    }
  }
}
