import { formatColumns } from "./columns.ts";
import type { Ceilings, KernelTime } from "./profile.ts";

/**
 * Times by kernel as text: calls, time, share of `milliseconds` (what all took on the clock), and how fast it was: in
 * operations where those bound it, else in bytes, with the fraction of the machine's ceiling. What the clock showed beyond
 * the kernels is the host's: JavaScript between them, data, waiting.
 */
export function formatProfile(
  times: readonly KernelTime[],
  milliseconds: number,
  ceilings?: Ceilings,
): string {
  const share = (part: number) => `${((100 * part) / milliseconds).toFixed(1)} %`;
  const inKernels = times.reduce((sum, each) => sum + each.milliseconds, 0);
  const lines = [
    ["kernel", "calls", "ms", "share", "speed", ...(ceilings ? ["of ceiling"] : [])],
    ...times.map(({ name, calls, milliseconds: own, bytes, operations }) => {
      const bound = operations > 0 ? "operations" : "bytes";
      const rate = (1000 * (operations > 0 ? operations : bytes)) / own;
      const speed = `${(rate / 1e9).toFixed(1)} ${operations > 0 ? "GFLOP/s" : "GB/s   "}`;
      const fraction = ceilings ? [`${((100 * rate) / ceilings[bound]).toFixed(0)} %`] : [];
      return [name, String(calls), own.toFixed(1), share(own), speed, ...fraction];
    }),
    ["(host)", "", (milliseconds - inKernels).toFixed(1), share(milliseconds - inKernels)],
    ["(all)", "", milliseconds.toFixed(1), share(milliseconds)],
  ];
  return formatColumns(lines, 1);
}
