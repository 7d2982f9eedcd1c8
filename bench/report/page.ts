/** The page of a run: charts and tables, in one file that needs nothing else. */
import { isPeerName } from "../peers/peers.ts";
import { bars, marks, overview, roofline, shares } from "./charts.ts";
import type { BenchReport, RowReport } from "./report.ts";
import { ceilingWords, formatRow, summaryHead, summaryLines } from "./table.ts";

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const style = `
:root { color-scheme: light dark; --soft: color-mix(in srgb, currentColor 15%, transparent) }
body { font: 15px/1.5 sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; color: #1f2328; background: white }
@media (prefers-color-scheme: dark) { body { color: #d8dee4; background: #14181d } }
h2 { font-size: 1.25em; margin: 2em 0 0.3em; border-bottom: 1px solid var(--soft) }
h3 { font-size: 1em; margin: 1.5em 0 0.3em }
svg { max-width: 100%; height: auto }
pre, .wide { overflow-x: auto; font-size: 12px }
table { border-collapse: collapse; white-space: nowrap; font-variant-numeric: tabular-nums }
th, td { padding: 2px 8px; text-align: right; border-bottom: 1px solid var(--soft) }
th:first-child, td:first-child { text-align: left }
.legend span { margin-right: 1.2em; white-space: nowrap }
`;

const list = (lines: readonly string[]): string =>
  `<ul>\n${lines.map((line) => `<li>${escape(line)}</li>`).join("\n")}\n</ul>`;

/** What colours and symbols mean. */
function legend({ rows }: BenchReport): string {
  const present = new Set(rows.flatMap(({ measured }) => measured.map(({ peer }) => peer)));
  const entries = Object.entries(marks)
    .filter(([name]) => isPeerName(name) && present.has(name))
    .map(
      ([name, { colour, sign }]) => `<span><b style="color: ${colour}">${sign}</b> ${escape(name)}</span>`,
    );
  return `<p class="legend">${entries.join("")}</p>`;
}

const cells = (tag: "th" | "td", line: readonly string[]): string =>
  `<tr>${line.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join("")}</tr>`;

const table = (report: BenchReport): string =>
  `<div class="wide"><table>\n${[cells("th", summaryHead), ...summaryLines(report).map((line) => cells("td", line))].join("\n")}\n</table></div>`;

function rowSection(row: RowReport): string {
  const reasons = row.notMeasured.map(({ library, reason }) => `<li>${escape(`${library}: ${reason}`)}</li>`);
  return [
    `<h3>${escape(row.name)}</h3>`,
    bars(row) ?? "",
    `<details><summary>figures${reasons.length > 0 ? ", and why others are missing" : ""}</summary><pre>${escape(formatRow(row))}</pre></details>`,
  ].join("\n");
}

/** A heading, a sentence and a chart, if there is one. */
const section = (title: string, about: string, chart: string | undefined): string =>
  chart === undefined ? "" : `<h2>${title}</h2>\n<p>${about}</p>\n${chart}`;

/** The whole page. */
export function benchPage(report: BenchReport): string {
  const { ceilings, machine, description, date, command, commit, missing, versions } = report;
  const facts = [
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`,
    `${description}; commit ${commit}; ${date}`,
    command,
    `at most: ${ceilingWords(ceilings)}`,
  ];
  const libraries = [
    ...Object.entries(versions).map(([library, what]) => `${library}: ${what}`),
    ...missing.map(({ library, reason }) => `${library}: ${reason}`),
  ];
  const topics = [...new Set(report.rows.map(({ topic }) => topic))];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>spheregrad: benchmarks</title>
<style>${style}</style>
<h1>spheregrad: benchmarks</h1>
${list(facts)}
<details><summary>libraries</summary>
${list(libraries)}
</details>
${legend(report)}
${section("Beside other libraries", "Each dot is a library; times are compared within the same rounds. Point at a dot to read it.", overview(report))}
${section("Beside what the machine can do", "Where arithmetic is the bound: share of the multiply-adds of our micro-kernel (on a GPU, of registers) in the same rounds; where memory is: of copying.", shares(report))}
${section("Roofline", "Speed against operations for each byte that must move at least: memory bounds what is under the slope, arithmetic what is under the level.", roofline(report))}
<h2>Summary</h2>
${table(report)}
${topics
  .map(
    (topic) =>
      `<h2>${escape(topic)}</h2>\n${report.rows
        .filter((row) => row.topic === topic)
        .map(rowSection)
        .join("\n")}`,
  )
  .join("\n")}
</html>
`;
}
