/** Applies `f` to every value of a record, with its key and position, and keeps the keys. */
export function mapRecord<R extends Readonly<Record<string, unknown>>, B>(
  record: R,
  f: (value: R[keyof R & string], key: keyof R & string, index: number) => B,
): { readonly [K in keyof R]: B } {
  // Built by assignment: Object.fromEntries takes several times as long, and forgets the keys as well.
  const result: Partial<Record<keyof R, B>> = {};
  let index = 0;
  for (const key of Object.keys(record) as (keyof R & string)[]) result[key] = f(record[key], key, index++);
  return result as { [K in keyof R]: B };
}
