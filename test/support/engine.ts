import { pino } from "pino";
import { z } from "zod";
import { connect, type Sql } from "../../app/db/connect.ts";
import type { Consumer } from "../../worker/events/consume.ts";
import { startSubscribers } from "../../worker/events/subscribers.ts";
import { startEngine, type Engine } from "../../worker/engine/engine.ts";
import { defineHandler, type Attempt, type Handler } from "../../worker/engine/task.ts";
import { cleanUp } from "./clean-up.ts";
import { until } from "./until.ts";

type Database = { sql: Sql; url: string };
type Settings = Partial<Parameters<typeof startEngine>[0]> & { consumers?: Consumer[] };

/** A line of the engine's log. */
type Line = Record<string, unknown> & { msg: string };

type Running = Engine & {
  lines: Line[];
  /** As the function below, with the notification that a web process sends. */
  enqueue(taskType: string, count?: number, columns?: object): Promise<string[]>;
};

/** An engine in this process that has joined, with its log lines. It stops after the test. Subscribers read faster. */
export async function runEngine(
  { sql, url }: Database,
  handlers: Record<string, Handler>,
  { consumers = [], ...settings }: Settings = {},
): Promise<Running> {
  const lines: Line[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const heartbeatSql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test heartbeat");
  const onEvent = () => subscribers.wake();
  const engine = startEngine({ sql, heartbeatSql, log, handlers, concurrency: 10, onEvent, ...settings });
  const pauses = { leastMilliseconds: 50, mostMilliseconds: 500 };
  const subscribers = startSubscribers({ sql, log, consumers, onConsumed: engine.wake, ...pauses });
  cleanUp(async () => {
    await Promise.all([engine.stop(0), subscribers.stop()]);
    await heartbeatSql.end({ timeout: 1 });
  });
  await until("the engine has joined", () => lines.some(({ msg }) => msg === "joined"));
  return {
    ...engine,
    wake() {
      engine.wake();
      subscribers.wake();
    },
    lines,
    async enqueue(...what) {
      const ids = await enqueue(sql, ...what);
      engine.wake();
      return ids;
    },
  };
}

/** Runs one handler until no task of its type is left. */
export async function perform(
  database: Database,
  taskType: string,
  handler: Handler,
  params: object = {},
): Promise<void> {
  const engine = await runEngine(database, { [taskType]: handler });
  await engine.enqueue(taskType, 1, { params });
  await until("it is done", async () => {
    return (await database.sql`select from task where task_type = ${taskType}`).length === 0;
  });
}

/** A handler that takes any params. */
export function handler(run: (attempt: Attempt<unknown>) => unknown, options: Partial<Handler> = {}): Handler {
  // Not async: a handler may throw before there is a promise.
  return defineHandler({ params: z.unknown(), run: (attempt) => run(attempt) as Promise<unknown>, ...options });
}

/** Enqueues tasks of one type, with further columns, and returns their ids. */
export async function enqueue(sql: Sql, taskType: string, count = 1, columns: object = {}): Promise<string[]> {
  const rows = Array.from({ length: count }, () => ({ task_type: taskType, ...columns }));
  return (await sql<{ task_id: string }[]>`insert into task ${sql(rows)} returning task_id`).map(
    ({ task_id }) => task_id,
  );
}

/** A `worker` row of another process with a heartbeat so long ago. */
export async function addWorker(sql: Sql, seenSecondsAgo = 0): Promise<string> {
  const [worker] = await sql<{ worker_id: string }[]>`
    insert into worker (worker_id, host, pid, seen_at)
    values (gen_random_uuid(), 'elsewhere', 1, now() - make_interval(secs => ${seenSecondsAgo}))
    returning worker_id
  `;
  return worker!.worker_id;
}

/** Whether no task is left. */
export const isEmpty = async (sql: Sql): Promise<boolean> => (await sql`select from task limit 1`).length === 0;
