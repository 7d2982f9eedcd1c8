import type { Elements } from "../../engine/backend.ts";
import { zeros } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { keep } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkNonNegative } from "../check.ts";
import { readState, writeState } from "../state.ts";
import type { StateDict } from "../state.ts";
import { defineUpdate } from "../update.ts";

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** Learning rate. */
  readonly lr: number;
  /** mu: how much of the velocity survives a step, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** wd: strength of the pull towards 0, that of a penalty wd/2 |w|^2. Default 0. */
  readonly weightDecay?: number;
  /**
   * Which parameters decay. Default: those of two axes or more, which are the weights of linear layers and
   * convolutions; biases and batch normalisation's scales and shifts do not decay.
   */
  readonly decays?: (name: string, parameter: Tensor) => boolean;
  /** Nesterov's momentum: the gradient step is taken from where the velocity leads. Default false. */
  readonly nesterov?: boolean;
}

// g' = g + wd w;  v <- mu v + g';  w <- w - lr v
const sgdUpdate = defineUpdate("sgd", (w, v, g, lr, momentum, decay) => {
  const velocity = e.add(e.mul(momentum, v), e.add(g, e.mul(decay, w)));
  return [e.sub(w, e.mul(lr, velocity)), velocity];
});

// g' = g + wd w;  v <- mu v + g';  w <- w - lr (g' + mu v)
const nesterovUpdate = defineUpdate("sgdNesterov", (w, v, g, lr, momentum, decay) => {
  const gradient = e.add(g, e.mul(decay, w));
  const velocity = e.add(e.mul(momentum, v), gradient);
  return [e.sub(w, e.mul(lr, e.add(gradient, e.mul(momentum, velocity)))), velocity];
});

const isWeight = (_name: string, { shape }: Tensor): boolean => shape.length >= 2;

interface Slot {
  readonly parameter: Tensor;
  readonly velocity: Tensor;
  readonly decay: number;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch defines it (the learning rate scales the velocity when it is
 * applied, not when it is accumulated; velocities start at 0). One kernel updates a parameter with its velocity.
 */
export class SGD implements Disposable {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly #slots: ReadonlyMap<string, Slot>;
  #lr = 0;

  /**
   * @param parameters - by name, from `module.namedParameters()`.
   * @throws ValueError for options out of their range.
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: SGDOptions) {
    const { lr, momentum = 0, weightDecay = 0, decays = isWeight, nesterov = false } = options;
    checkNonNegative("SGD", "weightDecay", weightDecay);
    if (!(momentum >= 0 && momentum < 1)) {
      throw new ValueError(`SGD: expected momentum in [0, 1), got ${momentum}`);
    }
    if (nesterov && momentum === 0) {
      throw new ValueError("SGD: expected momentum above 0 with nesterov, got 0");
    }
    this.lr = lr;
    this.momentum = momentum;
    this.nesterov = nesterov;
    this.#slots = new Map(
      [...parameters].map(([name, parameter]) => [
        name,
        {
          parameter,
          velocity: keep(zeros(parameter.shape)),
          decay: decays(name, parameter) ? weightDecay : 0,
        },
      ]),
    );
  }

  /** Learning rate; a schedule sets it before each step. Setting throws ValueError unless it is finite and >= 0. */
  get lr(): number {
    return this.#lr;
  }

  set lr(value: number) {
    checkNonNegative("SGD", "lr", value);
    this.#lr = value;
  }

  /** Updates in place every parameter that has a gradient. */
  step(): void {
    const update = this.nesterov ? nesterovUpdate : sgdUpdate;
    for (const { parameter, velocity, decay } of this.#slots.values()) {
      const { grad } = parameter;
      if (grad) update(parameter, velocity, grad, this.lr, this.momentum, decay);
    }
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const { parameter } of this.#slots.values()) parameter.zeroGrad();
  }

  /** The velocities, under the names of their parameters: with the options, all that a continued run needs. */
  state(): Promise<StateDict<Elements>> {
    return readState(this.#velocities());
  }

  /** Overwrites the velocities. Throws StateDictError, before anything is changed, unless names and shapes fit. */
  loadState(state: StateDict): void {
    writeState("SGD.loadState", this.#velocities(), state);
  }

  /** Disposes the velocities; the parameters belong to their module. */
  dispose(): void {
    for (const { velocity } of this.#slots.values()) velocity.dispose();
  }

  /** `using optimizer = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #velocities(): Map<string, Tensor> {
    return new Map([...this.#slots].map(([name, { velocity }]) => [name, velocity]));
  }
}
