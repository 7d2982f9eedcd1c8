import type { JsBody } from "../../kernel.ts";

/** A `js` body as gpu.js takes it. */
export interface Source {
  /** The text of a function of the body's inputs, then of `params`. */
  readonly text: string;
  readonly inputs: readonly string[];
  /** The parameters that the body reads, in the order of the arguments. */
  readonly params: readonly string[];
  /** The names of those arguments. */
  readonly arguments: readonly string[];
}

/**
 * The text of a `js` body with its parameters made arguments: gpu.js compiles `this.constants` into the program, which
 * would be another one for each shape and, in an optimiser's update, for each learning rate.
 */
export function sourceOf(body: JsBody<string>): Source {
  const text = body.toString();
  const [header = "", list = ""] = /^[^(]*\(([^)]*)\)/.exec(text) ?? [];
  const inputs = list.split(",").map((name) => name.trim()).filter((name) => name !== ""); // prettier-ignore
  const reads = Array.from(text.matchAll(/this\.constants\.(\w+)/g), ([, name = ""]) => name);
  const params = [...new Set(reads)];
  const names = params.map(argumentOf);
  const rest = text.slice(header.length).replace(/this\.constants\.(\w+)/g, (_, name: string) => argumentOf(name)); // prettier-ignore
  return { text: `function (${[...inputs, ...names].join(", ")})${rest}`, inputs, params, arguments: names };
}

// A prefix: locals of bodies may be named as parameters are.
const argumentOf = (param: string): string => `param_${param}`;
