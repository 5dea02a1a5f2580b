import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import type { Cluster } from "./cluster.ts";
import type { Kind } from "./fault-kinds.ts";
import type { Outage } from "./faults.ts";

const page = new URL("../../../docs/growing.md", import.meta.url);
const end = "<!-- written until here -->";

/** The most seconds without writes, as the median of a kind. */
const limits: Partial<Record<Kind, number>> = {
  "The leader's Postgres is killed": 10,
  "The leader's Patroni is killed": 10,
  "The leader's machine fails": 10,
  "One etcd is killed": 10,
  "pgbouncer is killed": 10,
  "HAProxy is killed": 10,
  "patronictl switchover": 2,
};

/** A Markdown table: a line for each kind of fault, the longest time without writes first. */
export function table(outages: Outage[]): string {
  const kinds = [...Map.groupBy(outages, ({ kind }) => kind)]
    .map(([kind, all]) => ({
      kind,
      times: all.length,
      without: all.map(({ secondsWithoutWrites }) => secondsWithoutWrites),
      whole: all.map(({ secondsUntilWhole }) => secondsUntilWhole),
    }))
    .toSorted((a, b) => median(b.without) - median(a.without));
  const lines = kinds.map(({ kind, times, without, whole }) => {
    const figures = [median(without), Math.max(...without), median(whole)].map((seconds) => seconds.toFixed(1));
    return `| ${[kind, times, figures[0], limits[kind] ?? "", figures[1], figures[2]].join(" | ")} |`;
  });
  return [
    "| fault | times | seconds without writes (median) | limit | longest | seconds until whole again (median) |",
    "| --- | --: | --: | --: | --: | --: |",
    ...lines,
  ].join("\n");
}

/** Replaces the table in docs/growing.md that stands behind this mark: `<!-- written by test:cluster, by NAME -->`. */
export async function writeTable(by: keyof Cluster["urls"], outages: Outage[]): Promise<void> {
  const begin = `<!-- written by test:cluster, by ${by} -->`;
  const text = await readFile(page, "utf8");
  const before = text.indexOf(begin) + begin.length;
  const after = text.indexOf(end, before);
  if (before < begin.length || after < before) throw new Error(`docs/growing.md has no ${begin} … ${end}`);
  const written = `${text.slice(0, before)}\n\n${table(outages)}\n\n${text.slice(after)}`;
  const options = await resolveConfig(page);
  await writeFile(page, await format(written, { ...options, parser: "markdown" }));
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
