/** Lines of cells as text in columns: the first `words` columns to the left, those of numbers to the right. */
export function formatColumns(lines: readonly (readonly string[])[], words: number): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const align = (cell: string, column: number) =>
    column < words ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(align).join("  ").trimEnd()).join("\n");
}
