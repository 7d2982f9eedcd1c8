/** State: the elements of named tensors, read to the host for a checkpoint and written back from one. */
import type { Elements } from "../engine/backend.ts";
import { SpheregradError } from "../engine/errors.ts";
import type { Numbers } from "../engine/kernel.ts";
import { formatShape, sameShape, sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import type { Tensor } from "../engine/tensor.ts";

/** A tensor on the host: `data` is row-major, its length the product of `shape`. */
export interface StateTensor<Data extends Numbers = Numbers> {
  readonly shape: Shape;
  readonly data: Data;
}

/** Tensors on the host by name, as a checkpoint holds them. */
export type StateDict<Data extends Numbers = Numbers> = ReadonlyMap<string, StateTensor<Data>>;

/** A state whose names or shapes are not those of the tensors that it should be loaded into. */
export class StateDictError extends SpheregradError {
  /** Names that the state lacks. */
  readonly missing: readonly string[];
  /** Names in the state that nobody asked for. */
  readonly unexpected: readonly string[];
  /** Names whose shape or number of elements differs. */
  readonly misshapen: readonly string[];

  constructor(message: string, faults: Pick<StateDictError, "missing" | "unexpected" | "misshapen">) {
    super(message);
    this.missing = faults.missing;
    this.unexpected = faults.unexpected;
    this.misshapen = faults.misshapen;
  }
}

/** The elements of all tensors as they are now: kernels queued later do not change what is read. */
export async function readState(tensors: ReadonlyMap<string, Tensor>): Promise<StateDict<Elements>> {
  const reads = [...tensors].map(async ([name, tensor]) => {
    return [name, { shape: tensor.shape, data: await tensor.data() }] as const;
  });
  return new Map(await Promise.all(reads));
}

/**
 * Overwrites all tensors with the state's elements. Strict: throws StateDictError, with every fault, before anything
 * is written, unless names and shapes are the same. `who` opens the message.
 */
export function writeState(who: string, tensors: ReadonlyMap<string, Tensor>, state: StateDict): void {
  const missing = [...tensors.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !tensors.has(name));
  const shared = [...tensors].flatMap(([name, tensor]) => {
    const stored = state.get(name);
    return stored ? [{ name, tensor, stored }] : [];
  });
  const misshapen = shared.filter(({ tensor, stored }) => {
    return !sameShape(tensor.shape, stored.shape) || stored.data.length !== sizeOf(stored.shape);
  });
  if (missing.length + unexpected.length + misshapen.length > 0) {
    const shapes = misshapen.map(({ name, tensor, stored: { shape, data } }) => {
      return `${name} (${formatShape(tensor.shape)}, got ${formatShape(shape)} with ${data.length} elements)`;
    });
    const faults = [list("missing", missing), list("unexpected", unexpected), list("misshapen", shapes)];
    throw new StateDictError(
      `${who}: expected the ${tensors.size} tensors of this object, got ${state.size} with ` +
        faults.filter((fault) => fault !== "").join("; "),
      { missing, unexpected, misshapen: misshapen.map(({ name }) => name) },
    );
  }
  for (const { tensor } of shared) tensor.checkAlive(who);
  for (const { tensor, stored } of shared) tensor.backend.write(tensor.buffer, stored.data);
}

/** The message names a few; the error's fields hold all. */
const listed = 5;

function list(fault: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const more = names.length > listed ? ` and ${names.length - listed} more` : "";
  return `${fault} ${names.slice(0, listed).join(", ")}${more}`;
}
