import { setTimeout as delay } from "node:timers/promises";
import { projectName } from "../../app/env.ts";
import { atMost, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { watchCommits } from "../support/latency.ts";
import { percentile } from "../support/statistics.ts";
import { graphileWorker, ownSystem, type System } from "../support/systems.ts";

/** How soon after its commit a task's handler starts in an idle worker. */
export async function pickUp(bench: Bench): Promise<Report> {
  const count = bench.size(300, 20);
  const contender = (system: System, setting: string) => ({
    name: system.name,
    setting,
    run: () => latency(bench, system, count),
  });
  const results = await compete(bench, [
    contender(ownSystem(20), "20 slots, a notification after the commit"),
    contender(graphileWorker(-1), "24 at once, no local queue: NOTIFY inside the producer's transaction"),
  ]);
  return {
    tables: [results.table({ p50: "p50 ms", p99: "p99 ms", sent50: "p50 ms since its sending" }, projectName)],
    goals: [
      atMost("p50", results.median(projectName, "p50"), 5, " ms"),
      atMost("p99", results.median(projectName, "p99"), 20, " ms"),
      atMost(`p50, ${projectName} / graphile-worker`, results.ratio("p50", projectName, "graphile-worker"), 1),
      atMost(`p99, ${projectName} / graphile-worker`, results.ratio("p99", projectName, "graphile-worker"), 1.5),
    ],
    notes: [
      `${count} single tasks, 20–60 ms apart: from the response to the commit until the handler's start; and from the sending of the statement, which includes the cost of a NOTIFY.`,
    ],
  };
}

async function latency(bench: Bench, system: System, count: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, system.database);
  await using worker = startChild(system.script, { env: system.settings(base.url) });
  await worker.receive("ready");
  await vacuum(base.sql);
  worker.send("go");
  await worker.receive("joined");
  await delay(500);

  const commits = watchCommits(system.producer(base.sql));
  for (let sent = 0; sent < count; sent += 1) {
    await commits.enqueue(1);
    await delay(20 + Math.random() * 40);
  }
  await delay(1500);
  const starts = await commits.starts(worker);
  const latencies = starts.map((start) => start.latency);
  const sinceSent = starts.map((start) => start.sinceSent);
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99), sent50: percentile(sinceSent, 50) };
}
