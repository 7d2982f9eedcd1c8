/**
 * `npx tsx docs/figures.ts` makes the figures of supcon.md, out of the library's losses and their gradients, in double
 * precision and from fixed seeds: the same files each time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { init } from "../index.ts";
import { circlesChart } from "./charts/circles.ts";
import { curvesChart } from "./charts/curves.ts";
import { pairsChart } from "./charts/pairs.ts";
import { positivesChart } from "./charts/positives.ts";
import { temperatureChart } from "./charts/temperature.ts";

/** Figures by the name of their file. */
export const figures: Readonly<Record<string, () => Promise<string>>> = {
  "pairs.svg": pairsChart,
  "temperature.svg": temperatureChart,
  "positives.svg": positivesChart,
  "circles.svg": circlesChart,
  "curves.svg": curvesChart,
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await init({ backend: "reference" });
  const folder = join(import.meta.dirname, "figures");
  mkdirSync(folder, { recursive: true });
  for (const [name, make] of Object.entries(figures)) writeFileSync(join(folder, name), await make());
}
