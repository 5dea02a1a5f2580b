/** Rows as aligned columns; the first row is the head. */
export function columns(rows: (string | number)[][]): string {
  const cells = rows.map((row) => row.map((cell) => String(cell).replace(controls, " ")));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

// A task's type or error must not control the reader's terminal.
const controls = /\p{Cc}+/gu;
