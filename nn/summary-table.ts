import { formatColumns } from "../engine/columns.ts";
import { formatShape } from "../engine/shape.ts";
import type { Cost, Summary } from "./summary.ts";

/** A {@link Summary} as text: a line for each module, and the totals. */
export function formatSummary({ inputShape, rows, ...totals }: Summary): string {
  const lines = [
    ["layer", "kind", "output", "parameters", "MFLOPs", "activations, MiB"],
    ["(input)", "", formatShape(inputShape), "", "", ""],
    ...rows.map(({ name, kind, outputShape, ...cost }) => {
      return [name || "(model)", kind, outputShape ? formatShape(outputShape) : "", ...cells(cost)];
    }),
    ["(total)", "", "", ...cells(totals)],
  ];
  return formatColumns(lines, 3);
}

const cells = ({ parameters, flops, activationBytes }: Cost): string[] => [
  parameters.toLocaleString("en"),
  (flops / 1e6).toFixed(1),
  (activationBytes / 2 ** 20).toFixed(2),
];
