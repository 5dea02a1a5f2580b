import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import type { Kind } from "./fault-kinds.ts";
import type { Outage } from "./faults.ts";

const page = new URL("../../../docs/growing.md", import.meta.url);
const [begin, end] = ["<!-- written by test:cluster -->", "<!-- written until here -->"];

/** The most seconds without writes, as the median of a kind. */
const goals: Partial<Record<Kind, number>> = {
  "The leader's Postgres is killed": 10,
  "The leader's Patroni is killed": 10,
  "The leader's machine fails": 10,
  "One etcd is killed": 10,
  "pgbouncer is killed": 10,
  "HAProxy is killed": 10,
  "patronictl switchover": 2,
};

const head = [
  "| fault | times | through pgbouncer: median | longest | by all hosts: median | longest | goal | healthy again |",
  "| --- | --: | --: | --: | --: | --: | --: | --: |",
];

/**
 * A Markdown table: a line for each kind of fault, the longest time without writes first. In seconds: the median and
 * the longest time without writes, for each of two ways to the database, and the median until the cluster was healthy.
 */
export function table(outages: Outage[]): string {
  const kinds = [...Map.groupBy(outages, ({ kind }) => kind)]
    .map(([kind, all]) => ({
      kind,
      times: all.length,
      without: [0, 1].map((place) => all.map(({ secondsWithoutWrites }) => secondsWithoutWrites[place]!)),
      healthy: median(all.map(({ secondsUntilHealthy }) => secondsUntilHealthy)).toFixed(1),
    }))
    .toSorted((a, b) => median(b.without[0]!) - median(a.without[0]!));
  const lines = kinds.map(({ kind, times, without, healthy }) => {
    const figures = without.flatMap((all) => [median(all), Math.max(...all)].map((seconds) => seconds.toFixed(1)));
    const most = goals[kind];
    const isMissed = most !== undefined && without.some((all) => median(all) > most);
    return `| ${[kind, times, ...figures, `${most ?? ""}${isMissed ? ", missed" : ""}`, healthy].join(" | ")} |`;
  });
  return [...head, ...lines].join("\n");
}

/** Replaces the table in docs/growing.md. */
export async function writeTable(outages: Outage[]): Promise<void> {
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
