/** Applies `f` to every value of a record, with its key and position, and keeps the keys. */
export function mapRecord<R extends Readonly<Record<string, unknown>>, B>(
  record: R,
  f: (value: R[keyof R & string], key: keyof R & string, index: number) => B,
): { readonly [K in keyof R]: B } {
  const entries = Object.entries(record) as [keyof R & string, R[keyof R & string]][];
  // Object.fromEntries forgets which keys it was given.
  return Object.fromEntries(entries.map(([key, value], i) => [key, f(value, key, i)])) as { [K in keyof R]: B };
}
