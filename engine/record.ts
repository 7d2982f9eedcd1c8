/** Applies `f` to every value of a record and keeps its keys. */
export function mapRecord<R extends Readonly<Record<string, unknown>>, B>(
  record: R,
  f: (value: R[keyof R & string], key: keyof R & string) => B,
): { readonly [K in keyof R]: B } {
  const entries = Object.entries(record) as [keyof R & string, R[keyof R & string]][];
  // Object.fromEntries forgets which keys it was given.
  return Object.fromEntries(entries.map(([key, value]) => [key, f(value, key)])) as { [K in keyof R]: B };
}
