import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { atLeast, atMost, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { now } from "../support/clock.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { watchCommits } from "../support/latency.ts";
import { percentile } from "../support/statistics.ts";
import { graphileWorker, ownSystem, type System } from "../support/systems.ts";

const perSecond = 1000;
const batch = 10;
const catchUpSeconds = 60;

type Contender = { system: System; setting: string };

/** 1,000 tasks a second, while another session holds a snapshot, so that vacuum cannot remove finished tasks. */
export async function queueSteady(bench: Bench): Promise<Report> {
  const contenders = [
    { system: ownSystem(500), setting: "500 slots, a notification after each commit, at most one in 10 ms" },
    { system: graphileWorker(500), setting: "24 at once, local queue of 500, completions batched" },
  ];
  // A minute needs no warm-up.
  const { report, results } = await measure({ ...bench, warmUps: 0 }, contenders, bench.size(60, 3), bench.size(6, 1));
  report.goals.push(atMost("p99 beside graphile-worker", results.ratio("p99", projectName, "graphile-worker"), 1));
  return report;
}

/** The same for ten minutes, this project alone and once: whether it lasts. */
export async function queueSteadyLong(bench: Bench): Promise<Report> {
  const contenders = [{ system: ownSystem(500), setting: "500 slots" }];
  const once = { ...bench, rounds: 1, warmUps: 0 };
  const { report } = await measure(once, contenders, bench.size(600, 4), bench.size(10, 2));
  return { ...report, counted: "One round." };
}

async function measure(bench: Bench, contenders: Contender[], seconds: number, windows: number) {
  const windowSeconds = seconds / windows;
  const ends = Array.from({ length: windows }, (_, place) => (place + 1) * windowSeconds);
  const results = await compete(
    bench,
    contenders.map(({ system, setting }) => ({
      name: system.name,
      setting,
      run: () => steady(bench, system, seconds, ends, windowSeconds),
    })),
  );
  const over = (figure: string) => Object.fromEntries(ends.map((at) => [`${figure} ${at}`, `${at} s`]));
  const report: Report = {
    tables: [
      results.table({ rate: "kept/s", p50: "p50 ms", p99: "p99 ms" }),
      { ...results.table(over("dead")), caption: "Dead rows after so many seconds" },
      { ...results.table(over("p99")), caption: `p99 in ms of the tasks committed in the ${windowSeconds} s before` },
    ],
    goals: [atLeast("rate kept", results.median(projectName, "rate"), 0.99 * perSecond, "/s")],
    notes: [
      `${perSecond} tasks/s for ${seconds} s, ${batch} per statement; a repeatable read transaction stays open. Latency is from the commit to the handler's start.`,
    ],
  };
  return { report, results };
}

/** At the end of each window: the dead rows so far, and the p99 of the window. */
async function steady(
  bench: Bench,
  system: System,
  seconds: number,
  ends: number[],
  windowSeconds: number,
): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, system.database);
  await using worker = startChild(system.script, { env: system.settings(base.url) });
  await worker.receive("ready");
  await vacuum(base.sql);
  worker.send("go");
  await worker.receive("joined");

  const release = await holdSnapshot(base.sql);
  const commits = watchCommits(system.producer(base.sql));
  const begin = now();
  const dead = ends.map(async (at) => {
    await delay(at * 1000);
    return [`dead ${at}`, await deadRows(base.sql, system.table)] as const;
  });
  await produce(commits.enqueue, seconds);
  const end = now();
  const deadFigures = Object.fromEntries(await Promise.all(dead));
  await catchUp(base.sql, system);
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
    ...Object.fromEntries(ends.map((at) => [`p99 ${at}`, percentile(window(at), 99)])),
  };
}

/** Keeps its pace however slow the database is: late batches are sent at once. */
async function produce(enqueue: (count: number) => Promise<void>, seconds: number): Promise<void> {
  const begin = now();
  const batches: Promise<void>[] = [];
  for (let sent = 0; sent < seconds * perSecond; sent += batch) {
    const early = begin + (sent / perSecond) * 1000 - now();
    if (early > 0) await delay(early);
    batches.push(enqueue(batch));
  }
  await Promise.all(batches);
}

/** A system that fell behind still runs its late tasks, to show their latency. */
async function catchUp(sql: Sql, { left }: System): Promise<void> {
  const deadline = now() + catchUpSeconds * 1000;
  while (now() < deadline && (await sql.unsafe(left)).length > 0) await delay(100);
}

/** Keeps vacuum from removing rows that die from now on, until the returned function is called. */
async function holdSnapshot(sql: Sql): Promise<() => Promise<void>> {
  const [held, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const transaction = sql.begin("isolation level repeatable read", async (tx) => {
    await tx`select count(*) from pg_class`;
    held.resolve();
    await over.promise;
  });
  transaction.catch(held.reject);
  await held.promise;
  return async () => {
    over.resolve();
    await transaction;
  };
}

/** Dead rows in the table, as Postgres counts them. */
async function deadRows(sql: Sql, table: string): Promise<number> {
  const [row] = await sql<{ dead: number }[]>`
    select n_dead_tup::float8 as dead
    from pg_stat_user_tables
    where relname = ${table}
  `;
  return row!.dead;
}
