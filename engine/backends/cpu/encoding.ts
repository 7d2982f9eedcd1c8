/** WebAssembly's binary encoding of numbers and lists. */

/** Little-endian base 128: every index, size and offset. The top bit of a byte says that more follow. */
export function unsigned(x: number): number[] {
  const bytes = [];
  for (; x > 0x7f; x = Math.floor(x / 128)) bytes.push((x % 128) | 0x80);
  return [...bytes, x];
}

/** Two's complement in base 128: i32 constants. Bit 6 of the last byte is the sign. */
export function signed(x: number): number[] {
  const bytes = [];
  for (; x < -64 || x > 63; x >>= 7) bytes.push((x & 0x7f) | 0x80);
  return [...bytes, x & 0x7f];
}

/** Bytes, and before them how many. */
export const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];

/** Items, and before them how many. */
export const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];

/** A name. */
export const text = (s: string): number[] => sized([...new TextEncoder().encode(s)]);

/** A section of a module: its number and its items. */
export const section = (id: number, items: readonly (readonly number[])[]): number[] => [
  id,
  ...sized(vector(items)),
];
