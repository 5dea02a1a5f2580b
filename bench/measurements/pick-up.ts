import { setTimeout as delay } from "node:timers/promises";
import type { Bench, Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, settle } from "../support/database.ts";
import { watchCommits } from "../support/latency.ts";
import { percentile } from "../support/statistics.ts";
import { graphileWorker, ours, type System } from "../support/systems.ts";
import { atMost } from "../support/table.ts";

/** How soon after its commit a task's handler starts, when the worker had nothing to do. */
export async function pickUp(bench: Bench): Promise<Report> {
  const count = bench.size(300, 20);
  const contender = (system: System, setting: string) => ({
    name: system.name,
    setting,
    run: () => promptness(bench, system, count),
  });
  const results = await compete(bench, [
    contender(ours(20), "20 slots, a notification after the commit"),
    contender(graphileWorker(-1), "24 at once, no local queue: NOTIFY inside the producer's transaction"),
  ]);
  return {
    tables: [results.table({ p50: "p50 ms", p99: "p99 ms", sent50: "p50 ms since its sending" }, "ours")],
    goals: [
      atMost("p50", results.median("ours", "p50"), 5, " ms"),
      atMost("p99", results.median("ours", "p99"), 20, " ms"),
      atMost("p50, ours / graphile-worker", results.ratio("p50", "ours", "graphile-worker"), 1),
      atMost("p99, ours / graphile-worker", results.ratio("p99", "ours", "graphile-worker"), 1.5),
    ],
    notes: [
      `${count} single tasks, 20–60 ms apart; from the database's word that it is committed to the handler's start; and from the sending of the statement, in which a NOTIFY has its cost.`,
    ],
  };
}

async function promptness(bench: Bench, system: System, count: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, system.database);
  await using worker = startChild(system.script, { env: system.settings(base.url) });
  await worker.heard("ready");
  await settle(base.sql);
  worker.tell("go");
  await worker.heard("joined");
  await delay(500);

  const commits = watchCommits(system.producer(base.sql));
  for (let owed = 0; owed < count; owed += 1) {
    await commits.owe(1);
    await delay(20 + Math.random() * 40);
  }
  await delay(1500);
  const starts = await commits.starts(worker);
  const latencies = starts.map(({ latency }) => latency);
  const sinceSent = starts.map((start) => start.sinceSent);
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99), sent50: percentile(sinceSent, 50) };
}
