/** Types of JSON that can be checked: what a file is expected to hold is written once, as a value. */
import { readFileSync } from "node:fs";
import { ValueError } from "../../engine/errors.ts";
import { reasonOf } from "../reason.ts";

/** What a file of JSON holds. Throws ValueError for one that cannot be read, or holds something else. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ValueError(`${path}: expected JSON, got something else (${reasonOf(cause)})`, { cause });
  }
}

/** Checks that a value is a T. `where` names it in the ValueError that is thrown if not. */
export type Schema<T> = (value: unknown, where: string) => T;

/** What a schema lets through. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never;

function refuse(where: string, expected: string, value: unknown): never {
  const got = value === undefined ? "nothing" : JSON.stringify(value).slice(0, 40);
  throw new ValueError(`${where}: expected ${expected}, got ${got}`);
}

/** A number that `holds` accepts; JSON has none that are not finite. */
export const number =
  (expected: string, holds: (value: number) => boolean): Schema<number> =>
  (value, where) =>
    typeof value === "number" && holds(value) ? value : refuse(where, expected, value);

export const share = number("a number from 0 to 1", (x) => x >= 0 && x <= 1);
export const nonNegative = number("a number >= 0", (x) => x >= 0);
export const anyNumber = number("a number", () => true);
export const count = number("an integer >= 0", (x) => Number.isSafeInteger(x) && x >= 0);

export const text: Schema<string> = (value, where) =>
  typeof value === "string" ? value : refuse(where, "a text", value);

export const flag: Schema<boolean> = (value, where) =>
  typeof value === "boolean" ? value : refuse(where, "true or false", value);

/** A T or null. */
export const nullable =
  <T>(schema: Schema<T>): Schema<T | null> =>
  (value, where) =>
    value === null ? null : schema(value, where);

/** A list, of a length if one is given. */
export const list =
  <T>(schema: Schema<T>, length?: number): Schema<readonly T[]> =>
  (value, where) => {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
      return refuse(where, length === undefined ? "a list" : `a list of ${length}`, value);
    }
    return value.map((each, i) => schema(each, `${where}[${i}]`));
  };

/** An object whose every field is a T. */
export const record =
  <T>(schema: Schema<T>): Schema<Readonly<Record<string, T>>> =>
  (value, where) =>
    Object.fromEntries(
      fieldsOf(value, where).map(([name, each]) => [name, schema(each, `${where}.${name}`)]),
    );

type Shape = Readonly<Record<string, Schema<unknown>>>;
type Fields<S extends Shape> = { readonly [K in keyof S]: TypeOf<S[K]> };

/** An object with these fields. Others are left out. */
export const object =
  <S extends Shape>(fields: S): Schema<Fields<S>> =>
  (value, where) =>
    // Each field has been checked by the schema whose type it gets; Object.fromEntries forgets which.
    Object.fromEntries(checkedFields(fields, Object.keys(fields), value, where)) as Fields<S>;

/** An object with these fields, and perhaps some of the optional ones. Others are left out. */
export const objectWith =
  <S extends Shape, Optional extends Shape>(
    fields: S,
    optional: Optional,
  ): Schema<Fields<S> & Partial<Fields<Optional>>> =>
  (value, where) => {
    const present = fieldsOf(value, where).flatMap(([name]) => (name in optional ? [name] : []));
    const found = [
      ...checkedFields(fields, Object.keys(fields), value, where),
      ...checkedFields(optional, present, value, where),
    ];
    return Object.fromEntries(found) as Fields<S> & Partial<Fields<Optional>>;
  };

function checkedFields(
  schemas: Shape,
  names: readonly string[],
  value: unknown,
  where: string,
): [string, unknown][] {
  const found = new Map(fieldsOf(value, where));
  return names.map((name) => [name, schemas[name]?.(found.get(name), `${where}.${name}`)]);
}

function fieldsOf(value: unknown, where: string): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  return refuse(where, "an object", value);
}
