import type { CpuBody } from "../../engine/kernel.ts";

/** Up to this many entries are chosen by insertion: one comparison for each element that does not belong to them. */
const FEW = 32;

/** Sorts, or chooses, along each column. On this thread: comparisons are JavaScript's. */
export const orderColumns: CpuBody<"outer" | "length" | "count" | "inner" | "descending"> = (
  { f32, i32 },
  { outer, length, count, inner, descending },
  [x = 0],
  [y = 0],
) => {
  const values = new Float64Array(length);
  for (let block = 0; block < outer; block++) {
    for (let column = 0; column < inner; column++) {
      const first = x / 4 + block * length * inner + column;
      for (let i = 0; i < length; i++) values[i] = sortable(f32[first + i * inner] ?? 0, descending === 1);
      const order = count <= FEW ? chosen(values, count) : sorted(values);
      const target = y / 4 + block * count * inner + column;
      for (let i = 0; i < count; i++) i32[target + i * inner] = order[i] ?? 0;
    }
  }
};

/** Beyond every float. */
const BEYOND = 2 ** 200;

/** A finite number that ascends where the order does: NaN is above Infinity. */
function sortable(value: number, descending: boolean): number {
  const key = Number.isNaN(value) ? 2 * BEYOND : Math.max(-BEYOND, Math.min(value, BEYOND));
  return descending ? -key : key;
}

/** All positions, sorted by their values; equal ones in their order, since the sort is stable. */
const sorted = (values: Float64Array): Int32Array =>
  Int32Array.from(values, (_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));

/** The positions of the `count` smallest values, sorted. */
function chosen(values: Float64Array, count: number): Int32Array {
  const positions = new Int32Array(count);
  let filled = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const last = filled < count ? Infinity : (values[positions[count - 1] ?? 0] ?? 0);
    if (value >= last) continue;
    if (filled < count) filled++;
    let at = filled - 1;
    for (; at > 0 && value < (values[positions[at - 1] ?? 0] ?? 0); at--)
      positions[at] = positions[at - 1] ?? 0;
    positions[at] = i;
  }
  return positions;
}
