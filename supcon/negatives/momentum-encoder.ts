import { noGrad } from "../../engine/autograd.ts";
import type { Elements } from "../../engine/backend.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sameShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBelowOne } from "../../nn/check.ts";
import { follow } from "../../nn/ema.ts";
import type { Module } from "../../nn/module.ts";
import type { StateDict } from "../../nn/state.ts";
import { copy } from "../../nn/update.ts";

/** Options of {@link MomentumEncoder}. */
export interface MomentumEncoderOptions {
  /** m: how much of the key encoder survives an update, in [0, 1). Default 0.999. */
  readonly momentum?: number;
}

/**
 * The key encoder of He et al., "Momentum Contrast" (CVPR 2020): a second module that follows the one that is trained,
 *
 *     theta_k <- m theta_k + (1 - m) theta_q,
 *
 * so slowly that the keys of many steps are comparable. It starts as a copy, and has no gradient. Parameters alone are
 * averaged; running statistics are its own, of the batches that it encodes (in training mode, as MoCo's), and so are the
 * generators of its dropout.
 *
 * ```ts
 * const encoder = new MomentumEncoder(model, new SupConModel(options));
 * // in each step, before the loss:
 * encoder.update();
 * const keys = encoder.forward(images);
 * ```
 */
export class MomentumEncoder<M extends Module> {
  readonly momentum: number;
  /** The key encoder. */
  readonly module: M;
  readonly #pairs: readonly { readonly average: Tensor; readonly value: Tensor }[];

  /**
   * @param source - the module that is trained.
   * @param module - another one of the same architecture, which becomes the key encoder; whoever made it disposes it.
   * @throws ValueError for momentum out of its range or modules that are one or have tensors of different names,
   * ShapeError for tensors of different shapes.
   */
  constructor(source: M, module: M, { momentum = 0.999 }: MomentumEncoderOptions = {}) {
    checkBelowOne("MomentumEncoder", "momentum", momentum);
    const parameters = pairs(module.namedParameters(), source.namedParameters());
    const buffers = pairs(module.namedBuffers(), source.namedBuffers());
    for (const { average, value } of [...parameters, ...buffers]) copy(average, value);
    this.momentum = momentum;
    this.module = module;
    this.#pairs = parameters;
  }

  /** Moves the key encoder towards the module that is trained: once in each step, before keys are made. */
  update(): void {
    for (const { average, value } of this.#pairs) follow(average, value, 1 - this.momentum);
  }

  /** The keys of x, without a gradient. */
  forward(x: Tensor): Tensor {
    return noGrad(() => scope(() => this.module.forward(x)));
  }

  /** Parameters, buffers and generators of the key encoder: with the options, all that a continued run needs. */
  state(): Promise<StateDict<Elements>> {
    return this.module.stateDict();
  }

  /** Overwrites the key encoder. Throws StateDictError, before anything is changed, unless names and shapes fit. */
  loadState(state: StateDict): void {
    this.module.loadStateDict(state);
  }
}

/** Tensors of the same name. */
function pairs(averages: ReadonlyMap<string, Tensor>, values: ReadonlyMap<string, Tensor>) {
  const who = "MomentumEncoder";
  const extra = [...averages.keys()].find((name) => !values.has(name));
  if (extra !== undefined) {
    throw new ValueError(
      `${who}: expected two modules of one architecture, got ${extra} in the second alone`,
    );
  }
  return [...values].map(([name, value]) => {
    const average = averages.get(name);
    if (!average || average === value) {
      const fault = average ? "shared by both" : "in the first alone";
      throw new ValueError(`${who}: expected two modules of one architecture, got ${name} ${fault}`);
    }
    if (!sameShape(average.shape, value.shape)) {
      throw new ShapeError(
        `${who}: expected ${name} of shape ${formatShape(value.shape)}, as in the first module, ` +
          `got ${formatShape(average.shape)}`,
      );
    }
    return { average, value };
  });
}
