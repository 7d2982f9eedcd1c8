import { currentBackend } from "../engine/backend.ts";
import type { Elements } from "../engine/backend.ts";
import { ShapeBackend } from "../engine/backends/shapes/backend.ts";
import { tensor } from "../engine/create.ts";
import type { Numbers } from "../engine/kernel.ts";
import { keep } from "../engine/scope.ts";
import { sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { Tensor } from "../engine/tensor.ts";
import { HostState, readState, writeState } from "./state.ts";
import type { StateDict, Stateful } from "./state.ts";

/**
 * A function of tensors with tensors of its own. What stands in the fields of a subclass, alone or in arrays, belongs
 * to it: tensors made with `requiresGrad` are its parameters, other tensors its buffers (running statistics), modules
 * its children; a {@link HostState} is saved with them. Names are paths through the fields, as in PyTorch:
 * `layer1.0.conv1.weight`. Private fields (`#field`) are not looked at.
 *
 * ```ts
 * class Scale extends Module {
 *   readonly weight = parameter([1], [1]);
 *   override forward(x: Tensor): Tensor { return mul(x, this.weight); }
 * }
 * ```
 */
export abstract class Module implements Disposable {
  #training = true;

  /** The module's value at x. */
  abstract forward(x: Tensor): Tensor;

  /** Whether modules that differ in training and evaluation (batch normalisation) are in training. True at first. */
  get training(): boolean {
    return this.#training;
  }

  /** Puts this module and all below it into training (or evaluation) mode; returns it. */
  train(on = true): this {
    for (const module of this.namedModules().values()) module.#training = on;
    return this;
  }

  /** Puts this module and all below it into evaluation mode; returns it. */
  eval(): this {
    return this.train(false);
  }

  /** What belongs to this module, in the order of declaration. */
  protected members(): [name: string, member: Module | Stateful][] {
    return Object.entries(this).flatMap(([name, value]) => membersIn(name, value));
  }

  /** This module (named "") and all below it, parents first. A module that is reached twice is listed once. */
  namedModules(): Map<string, Module> {
    const found = new Map<Module, string>();
    const visit = (module: Module, path: string): void => {
      if (found.has(module)) return;
      found.set(module, path);
      for (const [name, member] of module.members()) {
        if (member instanceof Module) visit(member, joinPath(path, name));
      }
    };
    visit(this, "");
    return new Map([...found].map(([module, path]) => [path, module]));
  }

  /** Parameters by name. One that is shared by several modules is listed once. */
  namedParameters(): Map<string, Tensor> {
    return this.#namedTensors((tensor) => tensor.requiresGrad);
  }

  /** Buffers by name: tensors that are part of the state but not trained. */
  namedBuffers(): Map<string, Tensor> {
    return this.#namedTensors((tensor) => !tensor.requiresGrad);
  }

  /** Host states by name: the generators of dropout. */
  namedHostStates(): Map<string, HostState> {
    return new Map(
      [...this.#namedState()].flatMap(([name, member]) =>
        member instanceof HostState ? [[name, member]] : [],
      ),
    );
  }

  /** The parameters, in the order of {@link namedParameters}. */
  parameters(): Tensor[] {
    return [...this.namedParameters().values()];
  }

  /** The elements of all parameters, buffers and host states as they are now, by name. */
  stateDict(): Promise<StateDict<Elements>> {
    return readState(this.#namedState());
  }

  /**
   * Overwrites all parameters, buffers and host states. Throws StateDictError, before anything is changed, unless the
   * state has exactly their names and shapes, DTypeError for fractions in an i32 buffer.
   */
  loadStateDict(state: StateDict): void {
    writeState("loadStateDict", this.#namedState(), state);
  }

  /** Disposes all parameters (with their gradients) and buffers. */
  dispose(): void {
    for (const tensor of this.#namedTensors().values()) tensor.dispose();
  }

  /** `using model = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Tensors and host states by name, each once. */
  #namedState(): Map<string, Stateful> {
    const found = new Map<Stateful, string>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, member] of module.members()) {
        if (!(member instanceof Module) && !found.has(member)) found.set(member, joinPath(path, name));
      }
    }
    return new Map([...found].map(([member, name]) => [name, member]));
  }

  #namedTensors(isWanted: (tensor: Tensor) => boolean = () => true): Map<string, Tensor> {
    return new Map(
      [...this.#namedState()].flatMap(([name, member]) =>
        member instanceof Tensor && isWanted(member) ? [[name, member]] : [],
      ),
    );
  }
}

/**
 * A tensor to be trained, which outlives all scopes. `values` are row-major. A function that makes them is not called
 * on a backend that holds nothing: `summary` need not draw the weights of a large network.
 */
export function parameter(shape: Shape, values: Numbers | (() => Numbers)): Tensor {
  const make = typeof values === "function" ? values : () => values;
  const isHeld = !(currentBackend() instanceof ShapeBackend);
  const data = isHeld ? make() : new Float64Array(sizeOf(shape));
  return keep(tensor(data, shape, { requiresGrad: true }));
}

/** A tensor that is part of a module's state but not trained, which outlives all scopes. */
export const buffer = (shape: Shape, values: Numbers): Tensor => keep(tensor(values, shape));

function membersIn(name: string, value: unknown): [string, Module | Stateful][] {
  if (value instanceof Tensor || value instanceof Module || value instanceof HostState)
    return [[name, value]];
  if (Array.isArray(value)) return value.flatMap((item, i) => membersIn(`${name}.${i}`, item));
  return [];
}

const joinPath = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
