/** Figure 2: what temperature does to negatives. */
import * as Plot from "@observablehq/plot";
import { pullsAt } from "./pulls.ts";
import { colours, svg } from "./svg.ts";

const ofTemperature = new Map([
  [0.05, colours.purple],
  [0.1, colours.blue],
  [0.2, colours.green],
  [0.5, colours.amber],
  [1, colours.orange],
]);

/** One of 21 negatives, spread evenly over all similarities, and its share of what they push together. */
interface Share {
  readonly temperature: number;
  readonly similarity: number;
  readonly share: number;
}

export async function negativeShares(): Promise<Share[]> {
  const negatives = Array.from({ length: 21 }, (_, k) => (k - 10) / 10);
  const shares: Share[] = [];
  for (const temperature of ofTemperature.keys()) {
    const { negatives: pushes } = await pullsAt({ positives: [0.5], negatives }, { temperature });
    const total = pushes.reduce((a, b) => a + b, 0);
    pushes.forEach((push, k) =>
      shares.push({ temperature, similarity: negatives[k] ?? 0, share: push / total }),
    );
  }
  return shares;
}

export async function temperatureChart(): Promise<string> {
  const shares = await negativeShares();
  const stroke = ({ temperature }: Share): string => ofTemperature.get(temperature) ?? colours.grey;
  const last = shares.filter(({ similarity }) => similarity === 1);
  return svg("Share of each negative in the gradient against its similarity, for five temperatures", {
    width: 640,
    height: 380,
    marginRight: 100,
    marginLeft: 50,
    marginBottom: 45,
    marginTop: 35,
    x: { label: "similarity of the negative to the anchor", labelAnchor: "center", labelArrow: "none" },
    y: { percent: true, label: "% of what all negatives push", labelArrow: "none", grid: true },
    marks: [
      Plot.ruleY([0]),
      Plot.line(shares, { x: "similarity", y: "share", z: "temperature", stroke, strokeWidth: 2 }),
      Plot.dot(shares, { x: "similarity", y: "share", fill: stroke, r: 2.5 }),
      Plot.text(last, {
        ...{ x: "similarity", y: "share", fill: stroke, dx: 10, textAnchor: "start" },
        text: ({ temperature }: Share) => `\u03c4 = ${temperature}`,
      }),
    ],
  });
}
