/** State: named tensors and host integers, read for a checkpoint and written back from one. */
import type { Elements } from "../engine/backend.ts";
import { boundsOf } from "../engine/create.ts";
import { SpheregradError } from "../engine/errors.ts";
import type { Numbers } from "../engine/kernel.ts";
import { formatShape, sameShape, sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { Tensor } from "../engine/tensor.ts";

/** A tensor on the host: `data` is row-major, its length the product of `shape`. */
export interface StateTensor<Data extends Numbers = Numbers> {
  readonly shape: Shape;
  readonly data: Data;
}

/** Tensors on the host by name, as a checkpoint holds them. */
export type StateDict<Data extends Numbers = Numbers> = ReadonlyMap<string, StateTensor<Data>>;

/**
 * Integers on the host that are part of a state as tensors are: a count of steps, the bits of a random generator.
 * They are stored in 32 bits, modulo 2^32.
 */
export class HostState {
  #values: Int32Array;

  constructor(values: Numbers) {
    this.#values = Int32Array.from(values);
  }

  /** One axis. */
  get shape(): Shape {
    return [this.#values.length];
  }

  /** The integers, signed. */
  get values(): Int32Array {
    return this.#values.slice();
  }

  set values(values: Numbers) {
    this.#values = Int32Array.from(values);
  }
}

/** What a state is read from and written to. */
export type Stateful = Tensor | HostState;

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

/** All elements as they are now: kernels queued later do not change what is read. */
export async function readState(members: ReadonlyMap<string, Stateful>): Promise<StateDict<Elements>> {
  const reads = [...members].map(async ([name, member]) => {
    const data = member instanceof Tensor ? await member.data() : member.values;
    return [name, { shape: member.shape, data }] as const;
  });
  return new Map(await Promise.all(reads));
}

/**
 * Overwrites all members with the state's elements. Strict: throws StateDictError, with every fault, before anything
 * is written, unless names and shapes are the same; DTypeError for fractions in an i32 tensor. `who` opens the message.
 */
export function writeState(who: string, members: ReadonlyMap<string, Stateful>, state: StateDict): void {
  const missing = [...members.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !members.has(name));
  const shared = [...members].flatMap(([name, member]) => {
    const stored = state.get(name);
    return stored ? [{ name, member, stored }] : [];
  });
  const misshapen = shared.filter(({ member, stored }) => {
    return !sameShape(member.shape, stored.shape) || stored.data.length !== sizeOf(stored.shape);
  });
  if (missing.length + unexpected.length + misshapen.length > 0) {
    const shapes = misshapen.map(({ name, member, stored: { shape, data } }) => {
      return `${name} (${formatShape(member.shape)}, got ${formatShape(shape)} with ${data.length} elements)`;
    });
    const faults = [list("missing", missing), list("unexpected", unexpected), list("misshapen", shapes)];
    throw new StateDictError(
      `${who}: expected the ${members.size} tensors of this object, got ${state.size} with ` +
        faults.filter((fault) => fault !== "").join("; "),
      { missing, unexpected, misshapen: misshapen.map(({ name }) => name) },
    );
  }
  const writes = shared.map(({ name, member, stored: { data } }) => {
    if (!(member instanceof Tensor)) return () => { member.values = data; }; // prettier-ignore
    member.checkAlive(who);
    const bounds = member.dtype === "i32" ? boundsOf(`${who}: ${name}`, data) : undefined;
    return () => { member.storage.write(data, bounds); }; // prettier-ignore
  });
  for (const write of writes) write();
}

/** The message names a few; the error's fields hold all. */
const listed = 5;

function list(fault: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const more = names.length > listed ? ` and ${names.length - listed} more` : "";
  return `${fault} ${names.slice(0, listed).join(", ")}${more}`;
}
