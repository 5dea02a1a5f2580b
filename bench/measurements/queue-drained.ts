import { projectName } from "../../app/env.ts";
import { atLeast, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { now, until } from "../support/clock.ts";
import { compete } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { readable } from "../support/statistics.ts";
import { graphileWorker, ownSystem, type System } from "../support/systems.ts";

type Queue = Pick<System, "database" | "script" | "settings" | "left">;

/** No-op tasks of three types, one worker process: from the start of the first task until all are committed as done. */
export async function queueDrained(bench: Bench): Promise<Report> {
  const count = bench.size(100_000, 6000);
  const few = bench.size(5000, 500);
  const contender = (name: string, setting: string, queue: Queue, tasks = count) => ({
    name,
    setting,
    run: async () => ({ rate: await drain(bench, queue, tasks) }),
  });
  const own = ownSystem(4000);
  const results = await compete(bench, [
    contender(projectName, "4,000 slots, 2 connections", own),
    contender("ceiling", "the same statements in a bare loop, 2,000 at a time, 2 connections", {
      ...own,
      script: "bench/processes/bare-loop.ts",
    }),
    contender("graphile-worker", "24 at once, local queue of 500, completions batched", graphileWorker(500)),
    contender(
      "pg-boss, work()",
      "batches of 2,000, burst when full, a queue and table for each type, 4 connections",
      pgBoss({ BATCH: "2000", CONNECTIONS: "4" }),
    ),
    contender(
      "pg-boss, bare loop",
      "fetch(500) and complete(500), 2 connections",
      pgBoss({ BATCH: "500", CONNECTIONS: "2", LOOP: "1" }),
    ),
    contender(
      "the article's loop",
      "one at a time on each of 10 connections",
      { ...own, script: "bench/processes/article-loop.ts", database: "empty" },
      few,
    ),
  ]);
  return {
    tables: [results.table({ rate: "tasks/s" }, projectName)],
    goals: [
      atLeast(`${projectName} / graphile-worker`, results.ratio("rate", projectName, "graphile-worker"), 1.9),
      atLeast(`${projectName} / pg-boss, work()`, results.ratio("rate", projectName, "pg-boss, work()"), 1.5),
      atLeast(`${projectName} / ceiling`, results.ratio("rate", projectName, "ceiling"), 0.8),
    ],
    notes: [
      `${readable(count)} tasks each; ${readable(few)} for the article's loop, which reads the whole backlog at each step.`,
      `No system logs a line per task: ${projectName} logs from "warn", graphile-worker's logger is silent, pg-boss has none.`,
      "The clock runs from the start of the first task, so start-up does not count, until a query finds no task left.",
    ],
  };
}

function pgBoss(env: Record<string, string>): Queue {
  return {
    database: "empty",
    script: "bench/peers/pg-boss.js",
    settings: (url) => ({ DATABASE_URL: url, ...env }),
    left: "select from pgboss.job where state < 'completed' limit 1",
  };
}

/** Tasks per second. */
async function drain(bench: Bench, { script, settings, database, left }: Queue, count: number): Promise<number> {
  await using base = await createDatabase(bench.postgres, database);
  await using worker = startChild(script, { env: settings(base.url) });
  await worker.receive("ready");
  worker.send("fill", { count });
  await worker.receive("filled");
  await vacuum(base.sql);

  worker.send("go", { count });
  const { at } = await worker.receive("first");
  await worker.receive("all started");
  await until("all is done", async () => (await base.sql.unsafe(left)).length === 0, 1);
  return (count / (now() - Number(at))) * 1000;
}
