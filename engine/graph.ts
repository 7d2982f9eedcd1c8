import { formatShape } from "./shape.ts";
import type { TapeNode, Variable } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The recorded computation of a tensor as a graph in the DOT language (Graphviz draws it): ops as ellipses, leaves as
 * boxes, each with its shape. What needs no gradient is not recorded, and not shown.
 */
export function graph(t: Tensor): string {
  t.checkAlive("graph");
  const names = new Map<TapeNode | Variable, string>();
  const lines: string[] = [];
  // An explicit stack: a deep network's chain is longer than the call stack.
  const pending: (TapeNode | Variable)[] = [];
  const nameOf = (variable: Variable): string => {
    const key = variable.node ?? variable;
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = `n${names.size}`;
    names.set(key, name);
    pending.push(key);
    return name;
  };
  if (t.variable) nameOf(t.variable);
  for (let item = pending.pop(); item; item = pending.pop()) {
    const name = names.get(item) ?? "";
    if ("inputs" in item) {
      const shapes = item.outputs.map((output) => formatShape(output.shape)).join(" ");
      lines.push(`  ${name} [label="${item.name}\\n${shapes}"];`);
      for (const input of item.inputs) if (input) lines.push(`  ${nameOf(input)} -> ${name};`);
    } else {
      lines.push(`  ${name} [shape=box, label="leaf\\n${formatShape(item.shape)}"];`);
    }
  }
  return `digraph {\n${lines.join("\n")}\n}\n`;
}
