import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import type { Bench, Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, settle } from "../support/database.ts";
import { deadRows, holdSnapshot } from "../support/dead-rows.ts";
import { watchCommits } from "../support/latency.ts";
import { now } from "../support/clock.ts";
import { percentile } from "../support/statistics.ts";
import { graphileWorker, ours, type System } from "../support/systems.ts";
import { atLeast, atMost } from "../support/table.ts";

const perSecond = 1000;
const batch = 10;
const catchUpSeconds = 60;

/** The same for ten minutes, ours alone and once: whether it lasts. */
export async function queueSteadyLong(bench: Bench): Promise<Report> {
  const seconds = bench.size(600, 4);
  const minutes = bench.size(10, 2);
  const windowSeconds = seconds / minutes;
  const ends = Array.from({ length: minutes }, (_, place) => (place + 1) * windowSeconds);
  const results = await compete({ ...bench, rounds: 1, warmUps: 0 }, [
    { name: "ours", setting: "500 slots", run: () => steady(bench, ours(500), seconds, ends, windowSeconds) },
  ]);
  const over = (figure: string) => Object.fromEntries(ends.map((at) => [`${figure} ${at}`, `${at} s`]));
  return {
    tables: [
      results.table({ rate: "kept/s", p50: "p50 ms", p99: "p99 ms" }),
      { ...results.table(over("p99")), caption: `p99 in ms of the tasks committed in the ${windowSeconds} s before` },
      { ...results.table(over("dead")), caption: "Dead rows after so many seconds" },
    ],
    goals: [atLeast("rate kept", results.median("ours", "rate"), 0.99 * perSecond, "/s")],
    counted: "One round.",
    notes: [describe(seconds)],
  };
}

/** 1,000 tasks a second, while another session holds a snapshot so that nothing done can be vacuumed away. */
export async function queueSteady(bench: Bench): Promise<Report> {
  const seconds = bench.size(60, 3);
  const samples = bench.size([10, 20, 30, 40, 50, 60], [3]);
  const contender = (system: System, setting: string) => ({
    name: system.name,
    setting,
    run: () => steady(bench, system, seconds, samples, 10),
  });
  // A minute is warm-up enough for itself.
  const results = await compete({ ...bench, warmUps: 0 }, [
    contender(ours(500), "500 slots, a notification after each commit, at most one in 10 ms"),
    contender(graphileWorker(500), "24 at once, local queue of 500, completions batched"),
  ]);
  const over = (figure: string) => Object.fromEntries(samples.map((at) => [`${figure} ${at}`, `${at} s`]));
  return {
    tables: [
      results.table({ rate: "kept/s", p50: "p50 ms", p99: "p99 ms" }),
      { ...results.table(over("dead")), caption: "Dead rows after so many seconds" },
      { ...results.table(over("p99")), caption: "p99 in ms of the tasks committed in the 10 s before" },
    ],
    goals: [
      atLeast("rate kept", results.median("ours", "rate"), 0.99 * perSecond, "/s"),
      atMost("p99 beside graphile-worker", results.ratio("p99", "ours", "graphile-worker"), 1),
    ],
    notes: [describe(seconds)],
  };
}

const describe = (seconds: number) =>
  `${perSecond} tasks/s for ${seconds} s, ${batch} in a statement; a repeatable read transaction is open all the time. Latency is from the commit to the handler's start.`;

/** At each sample, in seconds: the dead rows so far, and the p99 of the window that ends there. */
async function steady(
  bench: Bench,
  system: System,
  seconds: number,
  samples: number[],
  windowSeconds: number,
): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, system.database);
  await using worker = startChild(system.script, { env: system.settings(base.url) });
  await worker.heard("ready");
  await settle(base.sql);
  worker.tell("go");
  await worker.heard("joined");

  const release = await holdSnapshot(base.sql);
  const commits = watchCommits(system.producer(base.sql));
  const begin = now();
  const dead = samples.map(async (at) => {
    await delay(at * 1000);
    return [`dead ${at}`, await deadRows(base.sql, system.table)] as const;
  });
  await produce(commits.owe, seconds);
  const end = now();
  const deadFigures = Object.fromEntries(await Promise.all(dead));
  await emptied(base.sql, system);
  const starts = await commits.starts(worker);
  await release();

  const inTime = starts.filter(({ at }) => at <= end).length;
  const latencies = starts.map(({ latency }) => latency);
  const window = (at: number) =>
    latencies.filter((_, n) => {
      const age = (commits.committed[n]! - begin) / 1000;
      return age > at - windowSeconds && age <= at;
    });
  return {
    rate: (inTime / (end - begin)) * 1000,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    ...deadFigures,
    ...Object.fromEntries(samples.map((at) => [`p99 ${at}`, percentile(window(at), 99)])),
  };
}

/** At its own pace, whatever the database does: what is late is owed at once. */
async function produce(owe: (count: number) => Promise<void>, seconds: number): Promise<void> {
  const begin = now();
  const owed: Promise<void>[] = [];
  for (let sent = 0; sent < seconds * perSecond; sent += batch) {
    const early = begin + (sent / perSecond) * 1000 - now();
    if (early > 0) await delay(early);
    owed.push(owe(batch));
  }
  await Promise.all(owed);
}

/** Who has fallen behind may catch up, and has to show its late tasks. */
async function emptied(sql: Sql, { left }: System): Promise<void> {
  const deadline = now() + catchUpSeconds * 1000;
  while (now() < deadline && (await sql.unsafe(left)).length > 0) await delay(100);
}
