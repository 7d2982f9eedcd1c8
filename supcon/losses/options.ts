import { ValueError } from "../../engine/errors.ts";

/**
 * A factor on the loss, which changes its value and its gradient and nothing else: learning rates of different
 * implementations are comparable after multiplying by it. `"none"`: 1, as in equation 2; `"temperature"`: tau, as in
 * Google's code; `{ base }`: tau / base, as in SupContrast (base 0.07).
 */
export type LossScale = "none" | "temperature" | { readonly base: number };

/**
 * What becomes of an anchor without positives, for which equation 2 is 0/0: it counts as 0 in the mean (`"zero"`, as in
 * both official implementations), is left out of the mean (`"skip"`), or is refused (`"error"`).
 */
export type EmptyAnchors = "zero" | "skip" | "error";

/** Options of `supConLoss`. */
export interface SupConOptions {
  /** tau: similarities are divided by it. Default 0.1, the paper's. */
  readonly temperature?: number;
  /** Default `"none"`. */
  readonly scale?: LossScale;
  /** Default `"zero"`. */
  readonly emptyAnchors?: EmptyAnchors;
  /** Whether features are first brought to Euclidean length 1. Default true; false takes them as they are. */
  readonly normalize?: boolean;
  /**
   * `"fused"` (default): one kernel that never stores the M x M matrix, differentiable once. `"composed"`: the same
   * from plain ops, readable and differentiable any number of times.
   */
  readonly implementation?: "fused" | "composed";
}

/** The options with defaults, checked. */
export interface ResolvedOptions extends Required<SupConOptions> {
  /** The factor that `scale` stands for. */
  readonly factor: number;
}

/** Fills in defaults. Throws ValueError, naming the option, for a value that is not allowed. */
export function resolveOptions(who: string, options: SupConOptions): ResolvedOptions {
  const { temperature = 0.1, scale = "none", emptyAnchors = "zero" } = options;
  const { normalize = true, implementation = "fused" } = options;
  const requirePositive = (name: string, value: unknown): void => {
    if (typeof value === "number" && value > 0 && value < Infinity) return;
    throw new ValueError(`${who}: expected ${name} to be a finite number > 0, got ${JSON.stringify(value)}`);
  };
  const requireOneOf = (name: string, value: unknown, allowed: readonly unknown[]): void => {
    if (allowed.includes(value)) return;
    const list = allowed.map((each) => JSON.stringify(each)).join(", ");
    throw new ValueError(`${who}: expected ${name} among ${list}, got ${JSON.stringify(value)}`);
  };
  requirePositive("temperature", temperature);
  if (typeof scale === "object") requirePositive("scale.base", scale.base);
  else requireOneOf("scale", scale, ["none", "temperature"]);
  requireOneOf("emptyAnchors", emptyAnchors, ["zero", "skip", "error"]);
  requireOneOf("normalize", normalize, [true, false]);
  requireOneOf("implementation", implementation, ["fused", "composed"]);
  return {
    ...{ temperature, scale, emptyAnchors, normalize, implementation },
    factor: scale === "none" ? 1 : scale === "temperature" ? temperature : temperature / scale.base,
  };
}
