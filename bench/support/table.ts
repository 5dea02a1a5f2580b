import { readable } from "./statistics.ts";

export type Table = { head: string[]; rows: string[][]; caption?: string };

export type Goal = { text: string; value: number; unit?: string; isMet: boolean };

/** As Markdown, the columns padded so that it can be read in a terminal too; figures stand at the right. */
export function formatTable({ head, rows, caption }: Table): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length), 3));
  const isFigure = head.map((_, column) => rows.every((row) => /^[-\d–]/.test(row[column]!) && column > 0));
  const pad = (cell: string, column: number) =>
    isFigure[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  const line = (cells: string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) => (isFigure[column] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  const lines = [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)];
  return [...(caption ? [`${caption}:`, ""] : []), ...lines].join("\n");
}

export function atLeast(text: string, value: number, limit: number, unit = ""): Goal {
  return { text: `${text}: at least ${limit}${unit}`, value, unit, isMet: value >= limit };
}

export function atMost(text: string, value: number, limit: number, unit = ""): Goal {
  return { text: `${text}: at most ${limit}${unit}`, value, unit, isMet: value <= limit };
}

export function formatGoal({ text, value, unit = "", isMet }: Goal): string {
  return `- ${isMet ? "met" : "**missed**"}: ${text}; measured ${readable(value)}${unit}`;
}
