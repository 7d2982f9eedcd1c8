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

/** The tensors in what a scope returns: alone or in arrays and plain objects, among other values. */
function tensorsIn(value: unknown, isOwn: (value: object) => value is Tensor): Tensor[] {
  if (typeof value !== "object" || value === null) return [];
  if (isOwn(value)) return [value];
  if (Array.isArray(value)) return value.flatMap((item) => tensorsIn(item, isOwn));
  if (Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.values(value).flatMap((item) => tensorsIn(item, isOwn));
}

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
  let returned: Tensor[] = [];
  try {
    const result = body();
    refusePromise("scope", result);
    returned = tensorsIn(result, (value): value is Tensor => (own as ReadonlySet<object>).has(value));
    return result;
  } finally {
    open.pop();
    const outer = open.at(-1);
    for (const tensor of returned) {
      own.delete(tensor);
      outer?.add(tensor);
    }
    for (const tensor of [...own]) tensor.dispose();
  }
}
