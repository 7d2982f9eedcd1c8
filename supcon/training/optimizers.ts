import type { Tensor } from "../../engine/tensor.ts";
import { Adam, AdamW, LARS, RMSProp, SGD } from "../../nn/index.ts";
import type { Memory, Optimizer } from "../../nn/index.ts";

/** What a training command tells an optimiser. */
export interface OptimizerSettings {
  readonly lr: number;
  /** Of those that have one. */
  readonly momentum: number;
  readonly weightDecay: number;
}

type Make = (parameters: ReadonlyMap<string, Tensor>, settings: OptimizerSettings) => Optimizer<Memory>;

/** The names. */
export const optimizerNames = [
  "sgd",
  "nesterov",
  "lars",
  "lars-pytorch",
  "rmsprop",
  "adam",
  "adamw",
] as const;

/** Name of an optimiser. */
export type OptimizerName = (typeof optimizerNames)[number];

/** The optimisers by name. RMSProp's epsilon is that of the paper's linear stage. */
export const optimizers = {
  sgd: (parameters, settings) => new SGD(parameters, settings),
  nesterov: (parameters, settings) => new SGD(parameters, { ...settings, nesterov: true }),
  lars: (parameters, settings) => new LARS(parameters, settings),
  "lars-pytorch": (parameters, settings) => new LARS(parameters, { ...settings, variant: "pytorch" }),
  rmsprop: (parameters, settings) => new RMSProp(parameters, { ...settings, epsilon: 1e-3 }),
  adam: (parameters, { lr, weightDecay }) => new Adam(parameters, { lr, weightDecay }),
  adamw: (parameters, { lr, weightDecay }) => new AdamW(parameters, { lr, weightDecay }),
} satisfies Record<OptimizerName, Make>;
