/** Numbers as people read them. */
import type { Work } from "../problems/problem.ts";

export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)}x`;

/** How long something takes that people wait for. */
export const wait = (seconds: number): string =>
  seconds < 100 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;

/** Milliseconds in a unit that suits them. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const digits = milliseconds >= 100 ? 0 : milliseconds >= 10 ? 1 : milliseconds >= 1 ? 2 : 4;
  return `${milliseconds.toFixed(digits)} ms`;
}

/** How fast: in what the work counts, or in images where it is about them. */
export function speed({ unit, amount, images }: Work, milliseconds: number): string {
  const perSecond = (count: number) => (1000 * count) / milliseconds;
  if (images !== undefined) {
    const rate = perSecond(images);
    return `${rate.toFixed(rate < 10 ? 2 : 0)} images/s`;
  }
  if (unit === "starts") return "";
  const rate = perSecond(amount) / 1e9;
  return `${rate.toFixed(rate < 1 ? 2 : 1)} ${unit === "bytes" ? "GB/s" : "GFLOP/s"}`;
}
