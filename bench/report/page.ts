/** The page of a run: roofline, bars and table, in one file that needs nothing else. */
import * as Plot from "@observablehq/plot";
import { colours, svg } from "../../docs/charts/svg.ts";
import { duration, speed } from "./format.ts";
import type { BenchReport, Measured, RowReport } from "./report.ts";
import { formatRow, formatSummary } from "./table.ts";

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const isOurs = ({ library }: Pick<Measured, "library">): boolean => library === "spheregrad";

/**
 * What a problem reaches against how much it computes for each byte (Williams et al., "Roofline", 2009): under the slope
 * memory is the bound, under the level arithmetic.
 */
function roofline({ rows, ceilings: { copy, microKernel, registers } }: BenchReport): string | undefined {
  const roof = microKernel ?? registers;
  if (copy === undefined || roof === undefined) return undefined;
  const points = rows.flatMap(({ name, topic, work, measured }) => {
    const { intensity, unit } = work;
    if (unit !== "operations" || intensity === undefined) return [];
    return measured.map((result) => ({
      ...{ name, topic, intensity, library: result.library, rate: result.rate / 1e9 },
      isOurs: isOurs(result),
    }));
  });
  if (points.length === 0) return undefined;
  const [from, to] = [1, Math.max(1000, ...points.map(({ intensity }) => intensity))];
  const bend = roof / copy;
  const line = [from, bend, to].map((x) => ({ x, y: Math.min(roof, copy * x) / 1e9 }));
  const lowest = Math.min(...points.map(({ rate }) => rate));
  return svg("Operations in a second against operations for each byte, under what the machine does at most", {
    ...{ width: 720, height: 420, marginLeft: 60, marginBottom: 45, marginRight: 30, marginTop: 35 },
    x: { type: "log", label: "operations for each byte", domain: [from, to], labelArrow: "none" },
    y: { type: "log", label: "GFLOP/s", labelArrow: "none", domain: [lowest / 2, (1.5 * roof) / 1e9] },
    marks: [
      Plot.line(line, { x: "x", y: "y", stroke: colours.grey }),
      Plot.dot(points.filter((point) => !point.isOurs), { x: "intensity", y: "rate", stroke: colours.orange, r: 3 }),
      Plot.dot(points.filter((point) => point.isOurs), { x: "intensity", y: "rate", fill: colours.blue, r: 4 }),
    ],
  }); // prettier-ignore
}

/** Bars of a row: how often a library does the problem while the fastest does it once. */
function bars({ name, measured, work }: RowReport): string | undefined {
  if (measured.length === 0) return undefined;
  const fastest = Math.min(...measured.map(({ milliseconds }) => milliseconds));
  const data = measured.map((result) => ({
    library: result.library,
    share: fastest / result.milliseconds,
    told: `${duration(result.milliseconds)}, ${speed(work, result.milliseconds)}`,
    colour: isOurs(result) ? colours.blue : colours.orange,
  }));
  return svg(name, {
    ...{ width: 720, height: 30 + 24 * data.length, marginLeft: 170, marginRight: 190, marginTop: 5, marginBottom: 20 },
    x: { domain: [0, 1], label: null, ticks: 0 },
    y: { label: null, domain: data.map(({ library }) => library) },
    marks: [
      Plot.barX(data, { x: "share", y: "library", fill: "colour" }),
      Plot.text(data, { x: "share", y: "library", text: "told", textAnchor: "start", dx: 5 }),
    ],
  }); // prettier-ignore
}

/** The whole page. */
export function benchPage(report: BenchReport): string {
  const { machine, description, date, command, commit, versions } = report;
  const roof = roofline(report);
  const sections = report.rows.map((row) => {
    const chart = bars(row);
    return `<section>\n<h2>${escape(row.name)}</h2>\n${chart ?? ""}\n<details><summary>figures</summary><pre>${escape(formatRow(row))}</pre></details>\n</section>`;
  });
  const facts = [
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`,
    `${description}; commit ${commit}; ${date}`,
    command,
    ...Object.values(versions).slice(1),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>spheregrad: benchmarks</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em; color: #1f2328; background: white }
h2 { font-size: 1em; margin: 1.5em 0 0.3em }
pre { overflow-x: auto; font-size: 12px }
svg { max-width: 100%; height: auto }
</style>
<h1>spheregrad: benchmarks</h1>
<ul>
${facts.map((fact) => `<li>${escape(fact)}</li>`).join("\n")}
</ul>
${roof === undefined ? "" : `<h2>Roofline: blue is spheregrad, orange are others, grey is what the machine does at most</h2>\n${roof}`}
<h2>Summary</h2>
<pre>${escape(formatSummary(report))}</pre>
${sections.join("\n")}
</html>
`;
}
