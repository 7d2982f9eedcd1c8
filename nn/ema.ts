import type { Elements } from "../engine/backend.ts";
import { zeros } from "../engine/create.ts";
import { ValueError } from "../engine/errors.ts";
import * as e from "../engine/expr/expr.ts";
import { keep } from "../engine/scope.ts";
import type { Tensor } from "../engine/tensor.ts";
import { checkBelowOne } from "./check.ts";
import type { Module } from "./module.ts";
import { readState, writeState } from "./state.ts";
import type { StateDict } from "./state.ts";
import { defineUpdate } from "./update.ts";

/** Options of {@link EMA}. */
export interface EMAOptions {
  /**
   * How much of the average survives an update, in [0, 1): it reaches about 1 / (1 - decay) updates back. Default 0.999.
   */
  readonly decay?: number;
}

/** average <- average + rate (value - average), with rate = 1 - decay. */
export const follow = defineUpdate("average", (average, value, rate) => [
  e.add(average, e.mul(rate, e.sub(value, average))),
]);

const exchange = defineUpdate("exchange", (a, b) => [b, a]);

/**
 * Exponential moving averages of a module's parameters and buffers (running statistics belong to the weights with which
 * they were made; integers have no average). They often predict better than the last weights, and start as a copy of
 * the first.
 *
 * ```ts
 * optimizer.step();
 * ema.update();
 * // ...
 * ema.swap(); // evaluate the averages
 * await evaluate(model);
 * ema.swap(); // train on
 * ```
 */
export class EMA implements Disposable {
  readonly decay: number;
  readonly #pairs: ReadonlyMap<string, { readonly value: Tensor; readonly average: Tensor }>;
  #swapped = false;

  /** Throws ValueError unless 0 <= decay < 1. */
  constructor(module: Module, { decay = 0.999 }: EMAOptions = {}) {
    checkBelowOne("EMA", "decay", decay);
    this.decay = decay;
    this.#pairs = new Map(
      [...module.namedParameters(), ...module.namedBuffers()].flatMap(([name, value]) => {
        if (value.dtype !== "f32") return [];
        const average = keep(zeros(value.shape));
        follow(average, value, 1);
        return [[name, { value, average }]];
      }),
    );
  }

  /** Moves the averages towards the present values: once after each step. Throws ValueError while swapped. */
  update(): void {
    this.#refuseSwapped("update");
    for (const { value, average } of this.#pairs.values()) follow(average, value, 1 - this.decay);
  }

  /** Exchanges the module's values and their averages, in place; a second time takes it back. */
  swap(): void {
    for (const { value, average } of this.#pairs.values()) exchange(value, average);
    this.#swapped = !this.#swapped;
  }

  /** The averages, under the names of what they average. Throws ValueError while swapped. */
  state(): Promise<StateDict<Elements>> {
    this.#refuseSwapped("state");
    return readState(this.#averages());
  }

  /**
   * Overwrites the averages. Throws StateDictError, before anything is changed, unless names and shapes fit, ValueError
   * while swapped.
   */
  loadState(state: StateDict): void {
    this.#refuseSwapped("loadState");
    writeState("EMA.loadState", this.#averages(), state);
  }

  /** Disposes the averages; the values belong to their module. */
  dispose(): void {
    for (const average of this.#averages().values()) average.dispose();
  }

  /** `using ema = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #averages(): Map<string, Tensor> {
    return new Map([...this.#pairs].map(([name, { average }]) => [name, average]));
  }

  #refuseSwapped(who: string): void {
    if (!this.#swapped) return;
    throw new ValueError(
      `EMA.${who}: expected the module to hold its own values, got the averages; swap() first`,
    );
  }
}
