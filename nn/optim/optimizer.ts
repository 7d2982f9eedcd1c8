import type { Elements } from "../../engine/backend.ts";
import { zeros } from "../../engine/create.ts";
import { keep } from "../../engine/scope.ts";
import { Tensor } from "../../engine/tensor.ts";
import { checkNonNegative } from "../check.ts";
import { readState, writeState } from "../state.ts";
import type { StateDict, Stateful } from "../state.ts";

/** Options of all optimisers. */
export interface OptimizerOptions {
  /** Learning rate. */
  readonly lr: number;
  /** wd: strength of the pull towards 0. Default 0. */
  readonly weightDecay?: number;
  /**
   * Which parameters decay. Default: those of two axes or more. They are the weights of linear layers and convolutions,
   * not biases nor the scales and shifts of normalisations; but those of a LayerNorm over several axes are among them.
   */
  readonly decays?: (name: string, parameter: Tensor) => boolean;
}

/** Whether a parameter has two axes or more. */
export const isWeight = (_name: string, { shape }: Tensor): boolean => shape.length >= 2;

/** What an optimiser remembers of a parameter, by name. */
export type Memory = Readonly<Record<string, Stateful>>;

interface Slot<M extends Memory> {
  readonly parameter: Tensor;
  /** The parameter's weight decay. */
  readonly decay: number;
  readonly memory: M;
}

/**
 * What all optimisers share: parameters, each with its memory (velocity, moments), the learning rate, and the state. A
 * subclass says what it remembers, and how one parameter is updated.
 */
export abstract class Optimizer<M extends Memory> implements Disposable {
  readonly #who: string;
  readonly #slots: ReadonlyMap<string, Slot<M>>;
  #lr = 0;

  /**
   * @param who - opens error messages.
   * @param parameters - by name, from `module.namedParameters()`.
   * @param remember - the memory of a parameter, before the first step.
   * @throws ValueError for options out of their range.
   */
  protected constructor(
    who: string,
    parameters: ReadonlyMap<string, Tensor>,
    { lr, weightDecay = 0, decays = isWeight }: OptimizerOptions,
    remember: (parameter: Tensor) => M,
  ) {
    checkNonNegative(who, "weightDecay", weightDecay);
    this.#who = who;
    this.lr = lr;
    this.#slots = new Map(
      [...parameters].map(([name, parameter]) => {
        const decay = decays(name, parameter) ? weightDecay : 0;
        return [name, { parameter, decay, memory: remember(parameter) }];
      }),
    );
  }

  /** Updates a parameter and its memory in place. */
  protected abstract update(parameter: Tensor, gradient: Tensor, decay: number, memory: M): void;

  /** Learning rate; a schedule sets it before each step. Setting throws ValueError unless it is finite and >= 0. */
  get lr(): number {
    return this.#lr;
  }

  set lr(value: number) {
    checkNonNegative(this.#who, "lr", value);
    this.#lr = value;
  }

  /** Updates in place every parameter that has a gradient. */
  step(): void {
    for (const { parameter, decay, memory } of this.#slots.values()) {
      if (parameter.grad) this.update(parameter, parameter.grad, decay, memory);
    }
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const { parameter } of this.#slots.values()) parameter.zeroGrad();
  }

  /** All that is remembered, as `conv1.weight.velocity`: with the options, all that a continued run needs. */
  state(): Promise<StateDict<Elements>> {
    return readState(this.#memories());
  }

  /** Overwrites what is remembered. Throws StateDictError, before anything is changed, unless names and shapes fit. */
  loadState(state: StateDict): void {
    writeState(`${this.#who}.loadState`, this.#memories(), state);
  }

  /** Disposes what is remembered; the parameters belong to their module. */
  dispose(): void {
    for (const memory of this.#memories().values()) if (memory instanceof Tensor) memory.dispose();
  }

  /** `using optimizer = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #memories(): Map<string, Stateful> {
    return new Map(
      [...this.#slots].flatMap(([name, { memory }]) =>
        Object.entries(memory).map(([key, member]) => [`${name}.${key}`, member] as const),
      ),
    );
  }
}

/** A memory of a parameter's shape that starts at 0 and outlives all scopes. */
export const zerosLike = ({ shape }: Tensor): Tensor => keep(zeros(shape));
