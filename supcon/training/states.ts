import type { Elements } from "../../engine/backend.ts";
import type { Numbers } from "../../engine/kernel.ts";
import type { StateDict } from "../../nn/index.ts";

/** Several states as one: `{ a: { x } }` becomes `a.x`. */
export const joinStates = (parts: ReadonlyMap<string, StateDict<Elements>>): StateDict<Elements> =>
  new Map(
    [...parts].flatMap(([part, state]) =>
      [...state].map(([name, value]) => [`${part}.${name}`, value] as const),
    ),
  );

/** What {@link joinStates} has made of one part. */
export const stateOf = <Data extends Numbers>(state: StateDict<Data>, part: string): StateDict<Data> =>
  new Map(
    [...state].flatMap(([name, value]) =>
      name.startsWith(`${part}.`) ? [[name.slice(part.length + 1), value]] : [],
    ),
  );
