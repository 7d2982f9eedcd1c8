/** The charts of a run's page. */
import * as Plot from "@observablehq/plot";
import { colours } from "../../docs/charts/svg.ts";
import { chart } from "../../supcon/report/chart.ts";
import type { PeerName } from "../peers/peers.ts";
import { duration, percent, speed, times } from "./format.ts";
import { isNoisy } from "./report.ts";
import type { BenchReport, Measured, RowReport } from "./report.ts";
import { baseOf } from "./table.ts";

/** How each library is drawn in all charts: colour, symbol, and a character that looks like the symbol. */
export const marks: Readonly<Record<PeerName, Readonly<Record<"colour" | "symbol" | "sign", string>>>> = {
  spheregrad: { colour: colours.blue, symbol: "circle", sign: "●" },
  tfjs: { colour: colours.orange, symbol: "triangle", sign: "△" },
  "jax-js": { colour: colours.green, symbol: "square", sign: "□" },
  "js-pytorch": { colour: colours.amber, symbol: "times", sign: "×" },
  "gpu.js": { colour: colours.purple, symbol: "diamond", sign: "◇" },
  "onnxruntime-web": { colour: colours.grey, symbol: "plus", sign: "+" },
  "onnxruntime-node": { colour: colours.grey, symbol: "star", sign: "☆" },
};

const isOurs = ({ peer }: Measured): boolean => peer === "spheregrad";

/** What a dot says when it is pointed at. */
const told = ({ name, work }: RowReport, { library, milliseconds }: Measured): string =>
  [`${library}: ${name}`, duration(milliseconds), speed(work, milliseconds)].filter(Boolean).join(", ");

const dot = (row: RowReport, result: Measured) => ({
  ...marks[result.peer],
  fill: isOurs(result) ? marks.spheregrad.colour : "none",
  title: told(row, result),
  r: isOurs(result) ? 5 : 4,
});

const dots = <T extends object>(data: readonly T[], x: keyof T & string, y: keyof T & string) =>
  Plot.dot(data, {
    x,
    y,
    stroke: "colour",
    fill: "fill",
    symbol: "symbol",
    title: "title",
    r: "r",
    strokeWidth: 2,
  });

/** Dots have their colours, symbols and sizes as they are. */
const asGiven = {
  color: { type: "identity" },
  symbol: { type: "identity" },
  r: { type: "identity" },
} as const;

/** How many times as long as ours the others take, row by row; undefined where there are no others. */
export function overview({ rows }: BenchReport): string | undefined {
  const data = rows.flatMap((row) =>
    row.measured.flatMap((result) =>
      result.ratio === undefined || isOurs(result)
        ? []
        : [{ row: row.name, ratio: result.ratio, ...dot(row, result) }],
    ),
  );
  if (data.length === 0) return undefined;
  const names = [...new Set(data.map(({ row }) => row))];
  return chart("How many times as long as spheregrad the others take, row by row", {
    ...{ width: 935, height: 70 + 20 * names.length, marginLeft: 385, marginTop: 45, marginRight: 30 },
    ...asGiven,
    x: {
      ...{ type: "log", axis: "top", grid: true, labelArrow: "none", labelAnchor: "center" },
      label: "time as a multiple of spheregrad's: right of the line, spheregrad is faster",
      tickFormat: (ratio: number) => (Number.isInteger(Math.log10(ratio)) ? `${ratio}x` : ""),
    },
    y: { label: null, domain: names, grid: true, tickSize: 0 },
    marks: [Plot.ruleX([1], { stroke: marks.spheregrad.colour, strokeWidth: 2 }), dots(data, "ratio", "row")],
  });
}

/** What share of the ceiling ours reach, row by row; undefined where none was measured. */
export function shares({ rows }: BenchReport): string | undefined {
  const data = rows.flatMap(({ name, measured }) => {
    const ours = measured.filter(isOurs).at(-1);
    return ours?.fraction === undefined ? [] : [{ name, share: ours.fraction, told: percent(ours.fraction) }];
  });
  if (data.length === 0) return undefined;
  return chart("What share of the machine's ceiling spheregrad reaches, row by row", {
    ...{ width: 935, height: 40 + 20 * data.length, marginLeft: 385, marginTop: 25, marginRight: 60 },
    x: { axis: "top", label: null, tickFormat: percent, grid: true, domain: [0, Math.max(1, ...data.map(({ share }) => share))] }, // prettier-ignore
    y: { label: null, domain: data.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.barX(data, { x: "share", y: "name", fill: marks.spheregrad.colour }),
      Plot.text(data, { x: "share", y: "name", text: "told", textAnchor: "start", dx: 5 }),
    ],
  });
}

/**
 * What a problem reaches against how much it computes for each byte (Williams et al., "Roofline", 2009): under the slope
 * memory is the bound, under the level arithmetic.
 */
export function roofline({ rows, ceilings }: BenchReport): string | undefined {
  const { copy, microKernel, registers } = ceilings;
  const roof = microKernel ?? registers;
  const data = rows.flatMap((row) => {
    const { unit, intensity } = row.work;
    if (unit !== "operations" || intensity === undefined) return [];
    return row.measured.map((result) => ({ intensity, rate: result.rate / 1e9, ...dot(row, result) }));
  });
  if (copy === undefined || roof === undefined || data.length === 0) return undefined;
  const [from, to] = [1, Math.max(1000, ...data.map(({ intensity }) => 3 * intensity))];
  const line = [from, roof / copy, to].map((x) => ({ x, y: Math.min(roof, copy * x) / 1e9 }));
  const lowest = Math.min(...data.map(({ rate }) => rate));
  return chart("Speed against operations for each byte, under what the machine does at most", {
    ...{ width: 900, height: 480, marginLeft: 60, marginBottom: 45, marginRight: 30, marginTop: 35 },
    ...asGiven,
    x: { type: "log", label: "operations for each byte", domain: [from, to], labelArrow: "none", labelAnchor: "center", tickFormat: "~s" },
    y: { type: "log", label: "GFLOP/s", labelArrow: "none", domain: [lowest / 2, (2 * roof) / 1e9], grid: true, tickFormat: "~r" },
    marks: [
      Plot.line(line, { x: "x", y: "y", stroke: "currentColor", strokeWidth: 2 }),
      Plot.text([{ x: to, y: roof / 1e9 }], { x: "x", y: "y", text: () => `${(roof / 1e9).toFixed(0)} GFLOP/s`, textAnchor: "end", dy: -10 }),
      Plot.text([{ x: from, y: (copy * from) / 1e9 }], { x: "x", y: "y", text: () => `${(copy / 1e9).toFixed(0)} GB/s`, textAnchor: "start", dx: 12, dy: -14 }),
      dots(data.toReversed(), "intensity", "rate"),
    ],
  }); // prettier-ignore
}

/** Bars of a row: how often a library does the problem while the fastest does it once. */
export function bars(row: RowReport): string | undefined {
  const { name, measured, work } = row;
  if (measured.length === 0) return undefined;
  const fastest = Math.min(...measured.map(({ milliseconds }) => milliseconds));
  const data = measured.map((result) => ({
    library: result.library,
    share: fastest / result.milliseconds,
    told: [
      duration(result.milliseconds),
      speed(work, result.milliseconds),
      ...(result.ratio === undefined ? [] : [`${times(result.ratio)} ${baseOf(row)}`]),
      ...(isNoisy(result) ? ["noisy"] : []),
    ].filter(Boolean).join(", "),
    colour: marks[result.peer].colour,
  })); // prettier-ignore
  return chart(`How often each library does this while the fastest does it once: ${name}`, {
    ...{ width: 900, height: 10 + 24 * data.length, marginLeft: 190, marginRight: 310, marginTop: 5, marginBottom: 5 },
    color: { type: "identity" },
    x: { domain: [0, 1], axis: null },
    y: { label: null, domain: data.map(({ library }) => library), tickSize: 0 },
    marks: [
      Plot.barX(data, { x: "share", y: "library", fill: "colour" }),
      Plot.text(data, { x: "share", y: "library", text: "told", textAnchor: "start", dx: 5 }),
    ],
  }); // prettier-ignore
}
