/**
 * Random programs of tensors, ops, scopes and gradients, run on the engine and on a model of it side by side.
 *
 * In the model a tensor is a scalar expression over the leaves: its value and its derivatives of any order are then
 * known without a tape. The model also knows who is alive, and which recorded calls still can be differentiated.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { backward, grad, noGrad, stopGradient } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { DisposedError, NotDifferentiableError } from "../../engine/errors.ts";
import { partial } from "../../engine/expr/derivative.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import { keep, scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { CheckedBackend } from "./checked-backend.ts";
import { evaluateExpr } from "./expressions.ts";

/** Ops that keep values small. */
const formulas = {
  average: (a: Expr, b: Expr) => e.mul(e.add(a, b), 0.5),
  product: (a: Expr, b: Expr) => e.mul(a, b),
  damped: (a: Expr, b: Expr) => e.div(a, e.add(1, e.square(b))),
};
type OpName = keyof typeof formulas;
const ops = {
  average: elementwise("average", formulas.average),
  product: elementwise("product", formulas.product),
  damped: elementwise("damped", formulas.damped),
} satisfies Record<OpName, unknown>;

/** Operands are named by how many live tensors back they were made; from `anyone` on, by how many tensors. */
export type Action =
  | { readonly do: "make"; readonly value: number; readonly requiresGrad: boolean }
  | { readonly do: "op"; readonly op: OpName; readonly of: readonly [number, number] }
  | { readonly do: "dispose" | "keep" | "alias" | "stopGradient" | "zeroGrad"; readonly of: number }
  | { readonly do: "noGrad"; readonly body: readonly Action[] }
  | { readonly do: "scope"; readonly body: readonly Action[]; readonly returns: readonly number[]; readonly fails: boolean }
  | { readonly do: "backward"; readonly of: number; readonly retainGraph: boolean }
  | { readonly do: "grad"; readonly of: number; readonly leaf: number; readonly createGraph: boolean }; // prettier-ignore

const anyone = 1000;

/** Programs with or without gradients. */
export function actions({ gradients }: { gradients: boolean }): fc.Arbitrary<Action[]> {
  const back = fc.oneof({ weight: 15, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.integer({ min: anyone, max: anyone + 5 }) }); // prettier-ignore
  const make = fc.record({
    do: fc.constant("make"),
    value: fc.constantFrom(-1, -0.5, 0.25, 0.75),
    requiresGrad: gradients ? fc.constantFrom(true, true, false) : fc.constant(false),
  });
  const op = fc.record({
    do: fc.constant("op"),
    op: fc.constantFrom("average", "product", "damped"),
    of: fc.tuple(back, back),
  });
  const one = fc.record({
    do: fc.constantFrom("dispose", "keep", "alias", "stopGradient", "zeroGrad"),
    of: back,
  });
  const derivatives: fc.MaybeWeightedArbitrary<Action>[] = [
    { weight: 3, arbitrary: fc.record({ do: fc.constant("backward"), of: back, retainGraph: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("grad"), of: back, leaf: back, createGraph: fc.boolean() }) },
  ]; // prettier-ignore
  const { action } = fc.letrec<{ action: Action; body: Action[] }>((tie) => ({
    action: fc.oneof(
      { depthSize: "small" },
      { weight: 2, arbitrary: make },
      { weight: 8, arbitrary: op },
      { weight: 3, arbitrary: one },
      ...(gradients ? derivatives : []),
      { weight: 1, arbitrary: fc.record({ do: fc.constant("scope"), body: tie("body"), returns: fc.array(back, { maxLength: 3 }), fails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("noGrad"), body: tie("body") }) },
    ),
    body: fc.array(tie("action"), { maxLength: 8 }),
  })); // prettier-ignore
  const program = fc.array(action, { maxLength: 40, size: "max" });
  return fc.tuple(make, make, program).map(([first, second, rest]) => [first, second, ...rest]);
}

/** A recorded call, or several, and whether what its backward needs is gone. */
interface Call {
  readonly parents: readonly (Call | null)[];
  /** Indices of the leaves that it depends on. */
  readonly leaves: readonly number[];
  /** Whether it stands for the computation of a gradient: the model does not know which of its parents that needs. */
  readonly isGradient: boolean;
  freed: boolean | "perhaps";
}

/** The calls on the ways from a tensor back to one leaf, or to all. */
function callsBetween(from: Call | null, leaf?: number): Set<Call> {
  const calls = new Set<Call>();
  const visit = (call: Call | null): void => {
    if (!call || calls.has(call) || (leaf !== undefined && !call.leaves.includes(leaf))) return;
    calls.add(call);
    call.parents.forEach(visit);
  };
  visit(from);
  return calls;
}

/** A leaf with a gradient. */
interface Leaf {
  readonly index: number;
  /** Its live handles: the gradient goes with the last. */
  handles: number;
  grad: number | null;
}

/** A tensor and what the model knows of it. */
interface Handle {
  readonly tensor: Tensor;
  /** Over the leaves; a constant where no gradient is wanted. */
  readonly expr: Expr;
  readonly requiresGrad: boolean;
  readonly leaf: Leaf | null;
  /** What it came from; null for leaves, and where no gradient is wanted. */
  readonly call: Call | null;
  alive: boolean;
}

class Failure extends Error {}

/** One run of a program. */
export class World {
  readonly #backend: CheckedBackend;
  readonly #handles: Handle[] = [];
  readonly #leaves: Leaf[] = [];
  readonly #leafValues: number[] = [];
  readonly #scopes: Set<Handle>[] = [];
  #recording = true;

  constructor(backend: CheckedBackend) {
    this.#backend = backend;
  }

  run(program: readonly Action[]): void {
    for (const action of program) {
      this.#act(action);
      this.#check();
    }
  }

  /** Disposes everything that is still alive: then no buffer may be left. */
  end(): void {
    for (const handle of this.#handles) this.#dispose(handle);
    assert.equal(this.#backend.stats().liveBuffers, 0, "buffers that are left at the end");
  }

  #act(action: Action): void {
    switch (action.do) {
      case "make":
        this.#make(action.value, action.requiresGrad);
        return;
      case "noGrad":
        this.#noGrad(action.body);
        return;
      case "scope":
        this.#scope(action);
        return;
      case "op":
        this.#with(action.of, ([a, b]) => { this.#op(action.op, a, b); }); // prettier-ignore
        return;
      case "grad": {
        const [of, leaf] = [this.#find(action.of), this.#find(action.leaf, (handle) => handle.leaf !== null)];
        if (of && leaf) this.#grad(of, leaf, action.createGraph);
        return;
      }
      case "backward":
        this.#with([action.of, 0], ([of]) => { this.#backward(of, action.retainGraph); }); // prettier-ignore
        return;
      case "dispose":
      case "keep":
      case "alias":
      case "stopGradient":
      case "zeroGrad":
        this.#with([action.of, 0], ([of]) => { this.#one(action.do, of); }); // prettier-ignore
        return;
      default:
        action satisfies never;
    }
  }

  /** Calls `then` with two handles, if there are any. */
  #with([first, second]: readonly [number, number], then: (handles: [Handle, Handle]) => void): void {
    const [a, b] = [this.#find(first), this.#find(second)];
    if (a && b) then([a, b]);
  }

  #find(back: number, fits: (handle: Handle) => boolean = () => true): Handle | undefined {
    const among = this.#handles.filter((handle) => (handle.alive || back >= anyone) && fits(handle));
    return among[among.length - 1 - (back % among.length)];
  }

  #value(expr: Expr): number {
    return evaluateExpr(expr, this.#leafValues);
  }

  #add(handle: Omit<Handle, "alive">): void {
    const made = { ...handle, alive: true };
    this.#handles.push(made);
    if (made.leaf) made.leaf.handles++;
    this.#scopes.at(-1)?.add(made);
  }

  #make(value: number, requiresGrad: boolean): void {
    const made = tensor(value, undefined, { requiresGrad });
    const constant = this.#constant(made, e.constant(value));
    if (!requiresGrad) {
      this.#add(constant);
      return;
    }
    const leaf = { index: this.#leafValues.push(value) - 1, handles: 0, grad: null };
    this.#leaves.push(leaf);
    this.#add({ ...constant, expr: e.input(leaf.index), requiresGrad, leaf });
  }

  #op(name: OpName, a: Handle, b: Handle): void {
    if (!a.alive || !b.alive) {
      assert.throws(() => ops[name](a.tensor, b.tensor), DisposedError);
      return;
    }
    const made = ops[name](a.tensor, b.tensor);
    const expr = formulas[name](a.expr, b.expr);
    const constant = this.#constant(made, expr);
    const requiresGrad = this.#recording && (a.requiresGrad || b.requiresGrad);
    assert.equal(made.requiresGrad, requiresGrad);
    const call = { parents: [a.call, b.call], leaves: e.inputsOf([expr]), isGradient: false, freed: false };
    this.#add(requiresGrad ? { ...constant, expr, requiresGrad, call } : constant);
  }

  #one(what: "dispose" | "keep" | "alias" | "stopGradient" | "zeroGrad", handle: Handle): void {
    const { tensor: of, alive, leaf } = handle;
    switch (what) {
      case "dispose":
        this.#dispose(handle);
        return;
      case "keep":
        keep(of);
        for (const own of this.#scopes) own.delete(handle);
        return;
      case "zeroGrad":
        of.zeroGrad();
        if (leaf) leaf.grad = null;
        return;
      case "alias":
        if (alive) this.#add({ ...handle, tensor: of.alias() });
        else assert.throws(() => of.alias(), DisposedError);
        return;
      case "stopGradient":
        if (!alive) assert.throws(() => stopGradient(of), DisposedError);
        else this.#add(this.#constant(stopGradient(of), handle.expr));
    }
  }

  /** A tensor that no gradient flows through. */
  #constant(made: Tensor, expr: Expr): Omit<Handle, "alive"> {
    const value = e.constant(this.#value(expr));
    return { tensor: made, expr: value, requiresGrad: false, leaf: null, call: null };
  }

  #dispose(handle: Handle): void {
    handle.tensor.dispose();
    this.#died(handle);
  }

  #died(handle: Handle): void {
    assert.throws(() => handle.tensor.buffer, DisposedError);
    const { leaf, alive } = handle;
    handle.alive = false;
    if (leaf && alive && --leaf.handles === 0) leaf.grad = null;
    for (const own of this.#scopes) own.delete(handle);
  }

  #noGrad(body: readonly Action[]): void {
    const before = this.#recording;
    this.#recording = false;
    noGrad(() => {
      this.run(body);
    });
    this.#recording = before;
  }

  #scope({ body, returns, fails }: Action & { do: "scope" }): void {
    const own = new Set<Handle>();
    this.#scopes.push(own);
    let returned: Handle[] = [];
    const inside = () => {
      this.run(body);
      if (fails) throw new Failure();
      returned = returns.flatMap((back) => this.#find(back) ?? []);
      // Tensors are found in arrays and in objects.
      return [returned[0]?.tensor, { rest: returned.slice(1).map((handle) => handle.tensor) }];
    };
    if (fails) assert.throws(() => scope(inside), Failure);
    else scope(inside);
    this.#scopes.pop();
    const survivors = new Set(returned);
    for (const handle of own) {
      if (survivors.has(handle)) this.#scopes.at(-1)?.add(handle);
      else this.#died(handle);
    }
  }

  /** Runs a differentiation through the calls, and says whether it succeeded. `possible`: there is a way to a leaf. */
  #differentiate(
    of: Handle,
    possible: boolean,
    leaf: number | undefined,
    retain: boolean,
    run: () => void,
  ): boolean {
    const calls = possible ? [...callsBetween(of.call, leaf)] : [];
    const hasGradient = calls.some(({ isGradient }) => isGradient);
    const isCut = calls.some(({ freed }) => freed === true) && !hasGradient;
    const mayBeCut = calls.some(({ freed }) => freed !== false);
    let succeeded = false;
    try {
      run();
      succeeded = true;
    } catch (error) {
      if (!(error instanceof (of.alive ? NotDifferentiableError : DisposedError))) throw error;
      assert(!of.alive || !possible || mayBeCut, `refused: ${error.message}`);
    }
    if (succeeded) assert(of.alive && possible && !isCut, "a gradient that should not exist");
    const certain = succeeded && !hasGradient;
    if (of.alive && !retain) for (const call of calls) call.freed = certain || call.freed || "perhaps";
    return succeeded;
  }

  #backward(of: Handle, retainGraph: boolean): void {
    const run = () => { backward(of.tensor, { retainGraph }); }; // prettier-ignore
    if (!this.#differentiate(of, of.requiresGrad, undefined, retainGraph, run)) return;
    for (const index of e.inputsOf([of.expr])) {
      const leaf = this.#leaves[index];
      if (leaf && leaf.handles > 0) leaf.grad = (leaf.grad ?? 0) + this.#value(partial(of.expr, index));
    }
  }

  #grad(of: Handle, leaf: Handle, createGraph: boolean): void {
    if (!leaf.alive || !leaf.leaf) {
      assert.throws(() => grad(of.tensor, [leaf.tensor]), DisposedError);
      return;
    }
    const { index } = leaf.leaf;
    const gradients: Tensor[] = [];
    const run = () => gradients.push(...grad(of.tensor, [leaf.tensor], { createGraph }));
    const possible = e.inputsOf([of.expr]).includes(index);
    if (!this.#differentiate(of, possible, index, createGraph, run)) return;
    const expr = partial(of.expr, index);
    const leaves = e.inputsOf([expr]);
    const requiresGrad = createGraph && leaves.length > 0;
    const constant = this.#constant(gradients[0]!, expr);
    assert.equal(gradients[0]!.requiresGrad, requiresGrad);
    const call = { parents: [of.call], leaves, isGradient: true, freed: false };
    this.#add(requiresGrad ? { ...constant, expr, requiresGrad, call } : constant);
  }

  /** Every live tensor has its value, and its gradient. */
  #check(): void {
    for (const { tensor: t, alive, expr } of this.#handles) {
      if (alive) assertClose(this.#backend.peek(t.buffer)[0], this.#value(expr));
    }
    for (const { tensor: t, leaf } of this.#handles) {
      if (!leaf?.handles) continue;
      if (leaf.grad === null) assert.equal(t.grad, null);
      else assertClose(this.#backend.peek(t.grad!.buffer)[0], leaf.grad);
    }
    this.#checkMemory();
  }

  /** Where no call can be differentiated any more, there are no buffers but those of live tensors and gradients. */
  #checkMemory(): void {
    const live = this.#handles.filter(({ alive }) => alive);
    if (live.some(({ call }) => [...callsBetween(call)].some(({ freed }) => freed !== true))) return;
    const storages = new Set(live.map(({ tensor: t }) => t.storage));
    const gradients = this.#leaves.filter(({ grad: g }) => g !== null);
    assert.equal(this.#backend.stats().liveBuffers, storages.size + gradients.length);
  }
}

function assertClose(got: number | undefined, expected: number): void {
  assert(
    Math.abs((got ?? NaN) - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${got}, not ${expected}`,
  );
}
