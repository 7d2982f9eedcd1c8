import { backward } from "./autograd.ts";
import { currentBackend } from "./backend.ts";
import type { Elements } from "./backend.ts";
import { tensor } from "./create.ts";
import { BackendError, SpheregradError } from "./errors.ts";
import { Random } from "./random.ts";
import { scope } from "./scope.ts";
import { formatShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A derivative differs from what central differences say. */
export class GradientError extends SpheregradError {}

/** Options of {@link gradCheck}. */
export interface GradCheckOptions {
  /** Half the distance between the two points of a difference. Default 1e-5. */
  readonly epsilon?: number;
  /** Largest difference allowed, relative to the derivative where that is above 1. Default 1e-6. */
  readonly tolerance?: number;
}

/** What {@link gradCheck} found. */
export interface GradCheckResult {
  /** Elements of inputs whose derivative was checked. */
  readonly checked: number;
  /** The largest relative difference. */
  readonly largestError: number;
}

/**
 * Compares `backward` through f with central differences, for every element of every input:
 *
 *     dL/dx_i = (L(x + epsilon e_i) - L(x - epsilon e_i)) / (2 epsilon) + O(epsilon^2),   L = sum of w f(x)
 *
 * with fixed random weights w, so that f may have any shape. f is called with fresh leaves that have the elements of
 * `inputs`, and must be smooth there: no kink or tie within epsilon. Needs the reference backend: in 32 bits
 * differences tell too little.
 *
 * Throws GradientError with the input, the element and both numbers; BackendError on another backend.
 */
export async function gradCheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { epsilon = 1e-5, tolerance = 1e-6 }: GradCheckOptions = {},
): Promise<GradCheckResult> {
  const { name } = currentBackend();
  if (name !== "reference") {
    throw new BackendError(
      `gradCheck: expected the reference backend (64 bits), got ${name}; call init first`,
    );
  }
  const points = await Promise.all(
    inputs.map(async (x) => ({ shape: x.shape, values: Float64Array.from(await x.data()) })),
  );
  // f may differentiate too, so that it needs leaves wherever it is evaluated.
  const leavesHere = () => points.map(({ values, shape }) => tensor(values, shape, { requiresGrad: true }));
  const random = new Random(0);
  const leaves = leavesHere();
  let analytic: (Elements | undefined)[];
  let weights: Float64Array;
  try {
    weights = scope(() => {
      const output = f(...leaves);
      const drawn = Float64Array.from({ length: output.size }, () => random.uniform(0.5, 1.5));
      backward(output, { gradient: tensor(drawn, output.shape) });
      return drawn;
    });
    analytic = await Promise.all(leaves.map(async ({ grad }) => await grad?.data()));
  } finally {
    for (const leaf of leaves) leaf.dispose();
  }

  const loss = async (): Promise<number> => {
    using result = scope(() => f(...leavesHere()));
    const values = Float64Array.from(await result.data());
    return values.reduce((total, y, j) => total + y * (weights[j] ?? 0), 0);
  };
  let [checked, largestError] = [0, 0];
  for (const [k, { values, shape }] of points.entries()) {
    for (let i = 0; i < values.length; i++) {
      const x = values[i] ?? 0;
      values[i] = x + epsilon;
      const above = await loss();
      values[i] = x - epsilon;
      const below = await loss();
      values[i] = x;
      const expected = (above - below) / (2 * epsilon);
      // A leaf that nothing depends on has no gradient: zero.
      const got = analytic[k]?.[i] ?? 0;
      const error = Math.abs(got - expected) / Math.max(1, Math.abs(expected));
      if (!(error <= tolerance)) {
        throw new GradientError(
          `gradCheck: expected ${expected} by central differences, got ${got} from backward, ` +
            `for element ${i} of input ${k} (shape ${formatShape(shape)})`,
        );
      }
      checked++;
      largestError = Math.max(largestError, error);
    }
  }
  return { checked, largestError };
}
