import { randomUUID } from "node:crypto";
import type { Sql } from "../../app/db/connect.ts";
import { join } from "../../worker/engine/session.ts";
import { atLeast, atMost, type Bench, type Goal, type Report } from "../bench.ts";
import { drawChart } from "../support/chart.ts";
import { startChild } from "../support/child.ts";
import { buffersPerClaim } from "../support/claim-cost.ts";
import { now } from "../support/clock.ts";
import { compete, type Contender, type Figures, type Results } from "../support/compete.ts";
import { createDatabase, vacuum, type Database } from "../support/database.ts";
import { workerSettings } from "../support/servers.ts";
import { enqueueNoOps } from "../support/tasks.ts";

const most = 50_000;
const running = 4_000;
const mostBuffers = 278;
const chart = "backlog.svg";

const behindRunning = `${readableSize(running)} running`;

/** Whether the size of the backlog matters to a worker. */
export async function backlog(bench: Bench): Promise<Report> {
  const sizes = bench.size([1e3, 1e4, 1e5, 1e6, 1e7], [1e3, 1e4, 1e5]);
  await using databases = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const size of sizes) {
    const base = databases.use(await createDatabase(bench.postgres));
    await base.sql`create extension pg_stat_statements`;
    bench.log(`filling in ${readableSize(size)} tasks`);
    await fillUp(base.sql, size);
    contenders.push({
      name: readableSize(size),
      setting: `${readableSize(Math.min(size, most))} of them drained`,
      run: async () => ({ ...(await buffersOf(base, size)), rate: await rateOf(base, size) }),
    });
  }
  const base = databases.use(await createDatabase(bench.postgres));
  await base.sql`create extension pg_stat_statements`;
  await base.sql`alter table task set (autovacuum_enabled = off)`;
  await makeRunning(base.sql);
  contenders.push({
    name: behindRunning,
    setting: "1,000 due ones behind them, none drained",
    run: () => buffersOf(base, running + 1_000),
  });
  const results = await compete(bench, contenders);
  return {
    tables: [results.table({ rate: "tasks/s", buffers: "buffers per claim", claim: "without finding lanes" })],
    goals: goals(sizes, results),
    notes: [
      "Due no-op tasks of three types, one worker with 500 slots; before each round, the tasks that the last one took are enqueued again. Buffers are those of finding the lanes once and of one claim of 20, after a vacuum. A worker finds lanes at most twice a second, or in a twentieth of its time.",
    ],
    chart: { file: chart, title: "Drain rate and buffers per claim by backlog", svg: draw(sizes, results) },
  };
}

async function buffersOf({ sql, url }: Database, size: number): Promise<Figures> {
  await fillUp(sql, size);
  const { find, claim } = await buffersPerClaim(sql, url);
  return { buffers: find + claim, claim };
}

/** Running tasks of another worker, older than all due ones. */
async function makeRunning(sql: Sql): Promise<void> {
  const worker_id = randomUUID();
  await join(sql, { worker_id, host: "bench", pid: process.pid });
  await enqueueNoOps(sql, running);
  await sql`update task set worker_id = ${worker_id}, attempt = 1`;
}

/** Tasks per second of one worker, from its first task until the commit of the last one. */
async function rateOf({ sql, url }: Database, size: number): Promise<number> {
  await fillUp(sql, size);
  const count = Math.min(size, most);

  const env = { ...workerSettings(url), WORKER_CONCURRENCY: "500" };
  await using worker = startChild("bench/processes/worker.ts", { env });
  await worker.receive("ready");
  worker.send("go", { count });
  const { at } = await worker.receive("first");
  await worker.receive("all done");
  return (count / (now() - Number(at))) * 1000;
}

async function fillUp(sql: Sql, size: number): Promise<void> {
  const [row] = await sql<{ left: number }[]>`select count(*)::int as left from task`;
  await enqueueNoOps(sql, size - row!.left);
  await vacuum(sql);
}

function goals(sizes: number[], results: Results): Goal[] {
  const buffers = sizes.map((size) => results.median(readableSize(size), "buffers"));
  const growth = buffers.slice(1).map((each, place) => each / buffers[place]!);
  const largest = sizes.at(-1)!;
  return [
    atMost("buffers per claim, any backlog", Math.max(...buffers), mostBuffers),
    atMost(`buffers per claim behind ${behindRunning}`, results.median(behindRunning, "buffers"), mostBuffers),
    atMost("buffers, for each tenfold", Math.max(...growth), 1.25, " times as many"),
    atLeast("rate at the largest / at 10,000", results.ratio("rate", readableSize(largest), readableSize(1e4)), 0.8),
  ];
}

function draw(sizes: number[], results: Results): string {
  const points = (figure: string) => sizes.map((size) => results.median(readableSize(size), figure));
  return drawChart({
    title: "By backlog: tasks drained per second, and buffers per claim",
    labels: sizes.map(readableSize),
    series: [
      { name: "tasks/s", values: points("rate") },
      { name: "buffers per claim", values: points("buffers") },
    ],
  });
}

function readableSize(size: number): string {
  return size.toLocaleString("en-US");
}
