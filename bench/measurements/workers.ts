import { setTimeout as delay } from "node:timers/promises";
import type { Bench, Report } from "../bench.ts";
import { startChild, type Child } from "../support/child.ts";
import { compete } from "../support/compete.ts";
import { createDatabase, settle } from "../support/database.ts";
import { workerSettings } from "../support/drain.ts";
import { fill } from "../support/fill.ts";
import { now } from "../support/clock.ts";
import { atLeast } from "../support/table.ts";

const concurrency = 100;

/** How the rate of all grows, or doesn't fall, with the number of worker processes. */
export async function workers(bench: Bench): Promise<Report> {
  const counts = bench.size([1, 2, 4, 16, 64], [1, 2, 4]);
  const tasks = bench.size(150_000, 6_000);
  const results = await compete(
    bench,
    counts.map((count) => ({
      name: `${count} worker${count === 1 ? "" : "s"}`,
      setting: `${concurrency} in hand and 4 connections each`,
      run: async () => ({ rate: await rateOf(bench, count, tasks) }),
    })),
  );
  const rates = counts.map((count) => results.median(`${count} worker${count === 1 ? "" : "s"}`, "rate"));
  return {
    tables: [results.table({ rate: "tasks/s" })],
    goals: [atLeast("the slowest / the best", Math.min(...rates) / Math.max(...rates), 0.7)],
    notes: [
      `${tasks.toLocaleString("en-US")} no-op tasks for all together, and a third as many before them for warm-up: 64 processes that have run none of their code yet would be measured compiling it. Until all are committed.`,
    ],
  };
}

async function rateOf(bench: Bench, count: number, tasks: number): Promise<number> {
  await using base = await createDatabase(bench.postgres);
  await using all = new AsyncDisposableStack();
  const env = { ...workerSettings(base.url), WORKER_CONCURRENCY: String(concurrency) };
  const processes = Array.from({ length: count }, () => startChild("bench/processes/worker.ts", { env }));
  all.defer(async () => void (await Promise.all(processes.map((worker) => worker.end()))));
  await Promise.all(processes.map((worker) => worker.heard("ready")));
  const warmUp = Math.round(tasks / 3);
  await fill(base.sql, warmUp + tasks);
  await settle(base.sql);

  const marks = whenDone(processes, [warmUp, warmUp + tasks]);
  for (const worker of processes) worker.tell("go");
  const times = await Promise.race([marks, delay(120_000, undefined, { ref: false })]);
  if (!times || (await base.sql`select from task limit 1`).length > 0) throw new Error("Tasks were left.");
  const [warm, end] = times;
  return (tasks / (end! - warm!)) * 1000;
}

/** Resolves to the times at which all workers together have done so many, for each of the marks. */
function whenDone(processes: Child[], marks: number[]) {
  const reached = marks.map(() => Promise.withResolvers<number>());
  const counts = processes.map(() => 0);
  processes.forEach((worker, place) =>
    worker.onEach("done", ({ count }) => {
      counts[place] = Number(count);
      const sum = counts.reduce((all, one) => all + one, 0);
      reached.forEach(({ resolve }, mark) => sum >= marks[mark]! && resolve(now()));
    }),
  );
  return Promise.all(reached.map(({ promise }) => promise));
}
