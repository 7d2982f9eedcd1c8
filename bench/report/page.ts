/** The page of a run: charts and tables, in one file that needs nothing else. */
import { Html, html } from "../../supcon/report/html.ts";
import { isPeerName } from "../peers/peers.ts";
import { bars, marks, overview, roofline, shares } from "./charts.ts";
import type { BenchReport, RowReport } from "./report.ts";
import { ceilingWords, formatRow, summaryHead, summaryLines } from "./table.ts";

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

const list = (lines: readonly string[]): Html =>
  html`<ul>
    ${lines.map((line) => html`<li>${line}</li>`)}
  </ul>`;

/** What colours and symbols mean. */
function legend({ rows }: BenchReport): Html {
  const present = new Set(rows.flatMap(({ measured }) => measured.map(({ peer }) => peer)));
  const entries = Object.entries(marks).filter(([name]) => isPeerName(name) && present.has(name));
  return html`<p class="legend">
    ${entries.map(([name, { colour, sign }]) => html`<span><b style="color: ${colour}">${sign}</b> ${name}</span>`)}
  </p>`;
}

const table = (report: BenchReport): Html =>
  html`<div class="wide">
    <table>
      <tr>
        ${summaryHead.map((cell) => html`<th>${cell}</th>`)}
      </tr>
      ${summaryLines(report).map(
        (line) =>
          html`<tr>
            ${line.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </table>
  </div>`;

const drawn = (chart: string | undefined): Html | undefined =>
  chart === undefined ? undefined : new Html(chart);

function rowSection(row: RowReport): Html {
  const summary = row.notMeasured.length > 0 ? "figures, and why others are missing" : "figures";
  return html`<h3>${row.name}</h3>
    ${drawn(bars(row))}
    <details>
      <summary>${summary}</summary>
      <pre>${formatRow(row)}</pre>
    </details>`;
}

/** A heading, a sentence and a chart, if there is one. */
const section = (title: string, about: string, chart: string | undefined): Html | undefined =>
  chart === undefined
    ? undefined
    : html`<h2>${title}</h2>
        <p>${about}</p>
        ${drawn(chart)}`;

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
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>spheregrad: benchmarks</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <h1>spheregrad: benchmarks</h1>
        ${list(facts)}
        <details>
          <summary>libraries</summary>
          ${list(libraries)}
        </details>
        ${legend(report)}
        ${section("Beside other libraries", "Each dot is a library; times are compared within the same rounds. Point at a dot to read it.", overview(report))}
        ${section("Beside what the machine can do", "Where arithmetic is the bound: share of the multiply-adds of our micro-kernel (on a GPU, of registers) in the same rounds; where memory is: of copying. Above 100 % are Winograd's convolutions, counted as direct ones, and what caches hold.", shares(report))}
        ${section("Roofline", "Speed against operations for each byte that must move at least: memory bounds what is under the slope, arithmetic what is under the level.", roofline(report))}
        <h2>Summary</h2>
        ${table(report)}
        ${topics.map(
          (topic) =>
            html`<h2>${topic}</h2>
              ${report.rows.filter((row) => row.topic === topic).map(rowSection)}`,
        )}
      </body>
    </html> `.text;
}
