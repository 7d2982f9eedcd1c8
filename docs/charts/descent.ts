/** Points on a circle that go down the gradient of a loss: figures 4 and 5. */
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { supConLoss } from "../../supcon/losses/index.ts";

/** The losses that are compared: L_out, L_in, and L_out without labels. */
export type LossName = "L_out" | "L_in" | "SimCLR";

export const SAMPLES = 12;
export const VIEWS = 2;
export const CLASSES = 3;
export const TEMPERATURE = 0.2;
export const labels: readonly number[] = Array.from({ length: SAMPLES }, (_, i) => i % CLASSES);
export const STEPS = 400;
const LEARNING_RATE = 0.5;

/** Where the descent begins and ends, as angles of the views, and the loss before each step. */
export interface Descent {
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly losses: readonly number[];
}

/**
 * Samples anywhere on the circle, their two views near each other; where they are `together`, all views are within a
 * hundredth of a radian.
 */
function startingAngles(seed: number, together: boolean): number[] {
  const random = new Random(seed);
  return Array.from({ length: SAMPLES }, () => {
    const centre = together ? 0 : random.uniform(-Math.PI, Math.PI);
    return Array.from({ length: VIEWS }, () => centre + random.normal(0, together ? 0.01 : 0.25));
  }).flat();
}

/** Gradient descent on the embeddings themselves, which are put back on the circle after each step. */
export async function descend(loss: LossName, seed: number, together = false): Promise<Descent> {
  const start = startingAngles(seed, together);
  let points = start.map((angle) => [Math.cos(angle), Math.sin(angle)] as const);
  const losses: number[] = [];
  for (let step = 0; step <= STEPS; step++) {
    const features = tensor(points.flat(), [SAMPLES, VIEWS, 2], { requiresGrad: true });
    const value = supConLoss(features, loss === "SimCLR" ? null : labels, {
      temperature: TEMPERATURE,
      summation: loss === "L_in" ? "in" : "out",
    });
    losses.push(await value.item());
    const gradient = await grad(value, [features])[0].data();
    points = points.map(([x, y], i) => {
      const moved = [x, y].map((at, d) => at - LEARNING_RATE * (gradient[2 * i + d] ?? 0));
      const [u = 0, v = 0] = moved;
      return [u / Math.hypot(u, v), v / Math.hypot(u, v)];
    });
  }
  return { start, end: points.map(([x, y]) => Math.atan2(y, x)), losses };
}
