import type { Bench, Report } from "../bench.ts";
import { compete } from "../support/compete.ts";
import { drain } from "../support/drain.ts";
import { readable } from "../support/statistics.ts";
import { atLeast } from "../support/table.ts";

type Entry = { name: string; setting: string; options: Parameters<typeof drain>[1] };

/** No-op tasks of three types, one worker process: from the start of the first until all are done, as committed. */
export async function queueDrained(bench: Bench): Promise<Report> {
  const count = bench.size(100_000, 6000);
  const few = bench.size(5000, 500);
  const entries = [...ours(count), graphileWorker(count), ...pgBoss(count), original(few)];
  const results = await compete(
    bench,
    entries.map(({ name, setting, options }) => ({
      name,
      setting,
      run: async () => ({ rate: await drain(bench, options) }),
    })),
  );
  return {
    tables: [results.table({ rate: "tasks/s" }, "ours")],
    goals: [
      atLeast("ours / graphile-worker", results.ratio("rate", "ours", "graphile-worker"), 1.9),
      atLeast("ours / pg-boss, work()", results.ratio("rate", "ours", "pg-boss, work()"), 1.5),
      atLeast("ours / ceiling", results.ratio("rate", "ours", "ceiling"), 0.8),
    ],
    notes: [
      `${readable(count)} tasks each; ${readable(few)} for the pattern's loop, whose every step reads all that waits.`,
      "Nobody writes a log line for each task here: ours logs from `warn`, graphile-worker's logger is silent, pg-boss has none.",
      "The clock runs from the start of the first task, so that nobody's start-up counts, until a query finds nothing left.",
    ],
  };
}

function ours(count: number): Entry[] {
  const common = {
    env: { WORKER_CONCURRENCY: "4000" },
    database: "migrated",
    left: "select from task limit 1",
  } as const;
  return [
    {
      name: "ours",
      setting: "4,000 slots, 2 connections",
      options: { ...common, script: "bench/processes/worker.ts", count },
    },
    {
      name: "ceiling",
      setting: "our statements in a bare loop, 2,000 at a time, 2 connections",
      options: { ...common, script: "bench/processes/bare-loop.ts", count },
    },
  ];
}

function graphileWorker(count: number): Entry {
  const options = {
    script: "bench/peers/graphile-worker.js",
    env: { LOCAL_QUEUE: "500", CONNECTIONS: "26" },
    database: "empty",
    left: "select from graphile_worker._private_jobs limit 1",
    count,
  } as const;
  return { name: "graphile-worker", setting: "24 at once, local queue of 500, completions batched", options };
}

function pgBoss(count: number): Entry[] {
  const common = {
    script: "bench/peers/pg-boss.js",
    database: "empty",
    left: "select from pgboss.job where state < 'completed' limit 1",
    count,
  } as const;
  return [
    {
      name: "pg-boss, work()",
      setting: "batches of 2,000, burst when full, a queue and table for each type, 4 connections",
      options: { ...common, env: { BATCH: "2000", CONNECTIONS: "4" } },
    },
    {
      name: "pg-boss, bare loop",
      setting: "fetch(500) and complete(500), 2 connections",
      options: { ...common, env: { BATCH: "500", CONNECTIONS: "2", LOOP: "1" } },
    },
  ];
}

function original(count: number): Entry {
  const options = {
    script: "bench/processes/original-loop.ts",
    database: "empty",
    left: "select from task limit 1",
    count,
  } as const;
  return { name: "the pattern's loop", setting: "one at a time on each of 10 connections", options };
}
