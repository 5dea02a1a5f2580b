/** Rows as columns for people, the first row as their heads. */
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

// Whoever writes a task's type or error must not steer the reader's terminal.
const controls = /\p{Cc}+/gu;
