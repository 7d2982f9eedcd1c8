import type { Elements } from "./backend.ts";
import type { DType } from "./kernel.ts";
import { formatShape } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** Along a longer axis only the first and last three entries are shown. */
const longAxis = 8;
const shown = 3;

/** A tensor as people read it: NumPy's nested brackets under a line that tells shape, type and backend. */
export function formatTensor(
  shape: Shape,
  dtype: DType,
  backend: string,
  elements: Elements | undefined,
): string {
  const title = `Tensor ${formatShape(shape)} ${dtype} on ${backend}`;
  if (!elements) return title;
  const width = Math.max(0, ...visible(shape, 0, 0).map((i) => formatNumber(elements[i] ?? NaN).length));
  const body = nested(shape, 0, 0, (i) => formatNumber(elements[i] ?? NaN).padStart(width));
  return `${title}\n${body}`;
}

// All 32-bit integers in full.
const formatNumber = (x: number): string =>
  Number.isInteger(x) && Math.abs(x) < 1e10
    ? String(x)
    : Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3
      ? x.toExponential(3)
      : x.toPrecision(5);

const entries = (length: number): (number | "...")[] =>
  length <= longAxis
    ? Array.from({ length }, (_, i) => i)
    : [0, 1, 2, "...", length - shown, length - shown + 1, length - shown + 2];

/** Flat indices of the elements that are printed. */
function visible(shape: Shape, axis: number, offset: number): number[] {
  const length = shape[axis];
  if (length === undefined) return [offset];
  return entries(length).flatMap((i) => (i === "..." ? [] : visible(shape, axis + 1, offset * length + i)));
}

function nested(shape: Shape, axis: number, offset: number, element: (index: number) => string): string {
  const length = shape[axis];
  if (length === undefined) return element(offset);
  const parts = entries(length).map((i) =>
    i === "..." ? i : nested(shape, axis + 1, offset * length + i, element),
  );
  const inner = shape.length - axis - 1;
  const separator = inner === 0 ? ", " : `,${"\n".repeat(inner)}${" ".repeat(axis + 1)}`;
  return `[${parts.join(separator)}]`;
}
