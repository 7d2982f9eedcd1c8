/**
 * Sums of products by the names of axes (Einstein's convention): `einsum("bij,bjk->bik", a, b)` is the sum over j of
 * a[b, i, j] b[b, j, k], for every b, i, k. Operands are multiplied from left to right, two at a time, each time as one
 * matrix product. The axes of a and b are of four kinds, and are brought to that order:
 *
 *     a [batch, rows, contracted]   b [batch, contracted, columns]   ->   [batch, rows, columns]
 *
 * batch: in both and wanted afterwards;  contracted: in both and not wanted;  rows, columns: in one of them.
 */
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors } from "../arguments.ts";
import { transpose } from "../layout/transpose.ts";
import { matmul } from "../matmul/matmul.ts";
import { sum } from "../reduce/sum.ts";

/** A tensor whose axes have names, one letter each. */
interface Named {
  readonly x: Tensor;
  readonly axes: readonly string[];
}

/**
 * The sum of products that the equation describes: a letter for each axis of each operand, and after `->` those of the
 * result, in order; letters that the result lacks are summed over. Without `->` the result has the letters that occur
 * once, in alphabetical order. Diagonals ("ii") and "..." are not supported.
 *
 * Throws ValueError for a malformed equation, ShapeError unless letters fit the operands' axes and agree in length,
 * DTypeError unless all are f32.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  checkTensors("einsum", "f32", Object.fromEntries(operands.map((x, i) => [`operand ${i}`, x])));
  const { inputs, output } = parse(equation);
  checkFits(equation, inputs, operands);
  return scope(() => {
    const named = operands.map((x, i): Named => ({ x, axes: inputs[i] ?? [] }));
    const product = named.reduce((a, b, i) => {
      const later = new Set([...output, ...inputs.slice(i + 1).flat()]);
      return multiply(
        sumOut(a, new Set([...later, ...b.axes])),
        sumOut(b, new Set([...later, ...a.axes])),
        later,
      );
    });
    return inOrder(sumOut(product, new Set(output)), output);
  });
}

function parse(equation: string): { inputs: string[][]; output: string[] } {
  const refuse = (expected: string): never => {
    throw new ValueError(`einsum: expected ${expected}, got ${JSON.stringify(equation)}`);
  };
  const text = equation.replaceAll(" ", "");
  if (!/^[a-zA-Z]*(,[a-zA-Z]*)*(->[a-zA-Z]*)?$/.test(text)) {
    refuse(`an equation such as "ij,jk->ik", of letters, commas and one arrow`);
  }
  const [left = "", right] = text.split("->");
  const inputs = left.split(",").map((axes) => Array.from(axes));
  const letters = inputs.flat();
  const once = letters.filter(
    (letter, i) => letters.indexOf(letter) === i && !letters.includes(letter, i + 1),
  );
  const output = right === undefined ? once.sort() : Array.from(right);
  if ([...inputs, output].some((axes) => new Set(axes).size !== axes.length)) {
    refuse("each letter at most once in an operand and in the result");
  }
  if (!output.every((letter) => letters.includes(letter))) refuse("only letters of operands in the result");
  return { inputs, output };
}

function checkFits(equation: string, inputs: readonly string[][], operands: readonly Tensor[]): void {
  if (inputs.length !== operands.length) {
    throw new ValueError(
      `einsum: expected ${inputs.length} operands for ${JSON.stringify(equation)}, got ${operands.length}`,
    );
  }
  const lengths = new Map<string, number>();
  operands.forEach(({ shape }, i) => {
    const axes = inputs[i] ?? [];
    if (axes.length !== shape.length) {
      throw new ShapeError(
        `einsum: expected an operand of ${axes.length} axes for ${JSON.stringify(axes.join(""))}, got shape ${formatShape(shape)}`,
      );
    }
    axes.forEach((letter, axis) => {
      const [known, length] = [lengths.get(letter), shape[axis] ?? 0];
      if (known !== undefined && known !== length) {
        throw new ShapeError(`einsum: expected one length for axis ${letter}, got ${known} and ${length}`);
      }
      lengths.set(letter, length);
    });
  });
}

/** Without the axes that are not wanted, summed over. */
function sumOut({ x, axes }: Named, wanted: ReadonlySet<string>): Named {
  const dropped = axes.flatMap((letter, axis) => (wanted.has(letter) ? [] : [axis]));
  if (dropped.length === 0) return { x, axes };
  return { x: sum(x, dropped), axes: axes.filter((letter) => wanted.has(letter)) };
}

function multiply(a: Named, b: Named, wanted: ReadonlySet<string>): Named {
  const both = a.axes.filter((letter) => b.axes.includes(letter));
  const batch = both.filter((letter) => wanted.has(letter));
  const contracted = both.filter((letter) => !wanted.has(letter));
  const rows = a.axes.filter((letter) => !both.includes(letter));
  const columns = b.axes.filter((letter) => !both.includes(letter));
  const [left, right] = [asMatrices(a, batch, rows, contracted), asMatrices(b, batch, contracted, columns)];
  const options = { transposeA: left.transposed, transposeB: right.transposed };
  const lengths = [...lengthsOf(a, batch), ...lengthsOf(a, rows), ...lengthsOf(b, columns)];
  return { x: reshape(matmul(left.x, right.x, options), lengths), axes: [...batch, ...rows, ...columns] };
}

/**
 * As [batch, rows, columns] (without a batch, [rows, columns]), or, where the axes stand so already, as [batch, columns,
 * rows], which matmul takes too.
 */
function asMatrices(
  named: Named,
  batch: readonly string[],
  rows: readonly string[],
  columns: readonly string[],
): { x: Tensor; transposed: boolean } {
  const transposed = rows.length > 0 && named.axes.join("") === [...batch, ...columns, ...rows].join("");
  const [first, second] = transposed ? [columns, rows] : [rows, columns];
  const groups = batch.length > 0 ? [batch, first, second] : [first, second];
  const shape = groups.map((axes) => sizeOf(lengthsOf(named, axes)));
  return { x: reshape(inOrder(named, [...batch, ...first, ...second]), shape), transposed };
}

const lengthsOf = ({ x, axes }: Named, letters: readonly string[]): number[] =>
  letters.map((letter) => x.shape[axes.indexOf(letter)] ?? 1);

/** The tensor with its axes in the given order. */
const inOrder = ({ x, axes }: Named, order: readonly string[]): Tensor =>
  order.every((letter, i) => axes[i] === letter)
    ? reshape(x, x.shape)
    : transpose(x, order.map((letter) => axes.indexOf(letter))); // prettier-ignore
