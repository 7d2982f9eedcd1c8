import { ValueError } from "./errors.ts";
import type { Tensor } from "./tensor.ts";

/** Tensors made inside each open scope, innermost last. */
const open: Set<Tensor>[] = [];

/** Records a new tensor in the innermost open scope. */
export function track(tensor: Tensor): void {
  open.at(-1)?.add(tensor);
}

/** Forgets a tensor that was disposed by hand. */
export function untrack(tensor: Tensor): void {
  for (const tensors of open) tensors.delete(tensor);
}

/**
 * Takes a tensor out of all open scopes: it then lives until it is disposed by hand. Parameters, running statistics
 * and results that outlive a step are kept.
 */
export function keep<T extends Tensor>(tensor: T): T {
  untrack(tensor);
  return tensor;
}

/** Moves the tensors in what a scope returns, alone or in arrays and plain objects, to the scope around, if any. */
function handOver(value: unknown, from: Set<Tensor>, to: Set<Tensor> | undefined): void {
  if (typeof value !== "object" || value === null) return;
  if (isIn(value, from)) {
    from.delete(value);
    to?.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) handOver(item, from, to);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) handOver(item, from, to);
  }
}

const isIn = (value: object, tensors: ReadonlySet<object>): value is Tensor => tensors.has(value);

/** Throws ValueError for a promise: what happens after an `await` would be outside. */
export function refusePromise(who: string, result: unknown): void {
  if (!(result instanceof Promise)) return;
  // Its own failure (it may find its tensors disposed) would only hide this one.
  result.catch(() => undefined);
  throw new ValueError(
    `${who}: expected a function that returns at once, got one that returns a promise; await outside of ${who}`,
  );
}

/**
 * Runs `body`; every tensor made inside dies at the end, unless it is returned (alone, or inside arrays and plain
 * objects) or {@link keep}-ed. What is returned belongs to the scope around, if any.
 *
 * Throws ValueError if `body` returns a promise: what happens after an `await` would be outside of the scope.
 */
export function scope<T>(body: () => T): T {
  const own = new Set<Tensor>();
  open.push(own);
  try {
    const result = body();
    refusePromise("scope", result);
    handOver(result, own, open.at(-2));
    return result;
  } finally {
    open.pop();
    for (const tensor of own) tensor.dispose();
  }
}
