import type { TransactionSql } from "postgres";
import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { openTransaction } from "./feed.ts";
import type { Process } from "./processes.ts";
import { until } from "./until.ts";
import { runWorker } from "./worker.ts";

const line = z.object({
  msg: z.string(),
  task_id: z.string().optional(),
  task_type: z.string().optional(),
  attempt: z.number().optional(),
  worker_id: z.string().optional(),
});

export type ChaosWorker = Process & {
  pid: number;
  /** The lines of its log with this message. */
  logged(message: string): z.infer<typeof line>[];
  /** Resolves when its row in `worker` is there. */
  joined(): Promise<unknown>;
};

/** A worker process with a lease of one second, or the real entry. */
export function chaosWorker(
  databaseUrl: string,
  smtpUrl: string,
  env: Record<string, string> = {},
  entry: "test/support/chaos-worker.ts" | "worker/main.ts" = "test/support/chaos-worker.ts",
): ChaosWorker {
  const worker = runWorker(databaseUrl, smtpUrl, env, entry);
  const logged = (message: string) =>
    worker
      .output()
      .split("\n")
      .filter((text) => text.startsWith("{") && text.endsWith("}"))
      .map((text) => line.parse(JSON.parse(text)))
      .filter(({ msg }) => msg === message);

  return {
    ...worker,
    pid: worker.child.pid!,
    logged,
    joined: () => until("the worker joins", () => logged("joined").length > 0),
  };
}

/** Users, each with one task of the type. */
export async function enqueueMails(sql: Sql, taskType: string, count: number): Promise<void> {
  await sql`
    with member as (
      insert into usr (email, password_hash)
      select lower(${taskType}) || '.' || n || '@people.example', 'none'
      from generate_series(1, ${count}) as n
      returning usr_id
    )
    insert into task (task_type, params)
    select ${taskType}, jsonb_build_object('usr_id', usr_id::text)
    from member
  `;
}

export async function enqueueTasks(sql: Sql, taskType: string, params: object, count = 1): Promise<void> {
  await sql`
    insert into task (task_type, params)
    select ${taskType}, ${sql.json({ ...params })}
    from generate_series(1, ${count})
  `;
}

/** Keeps the locks that a statement takes until the returned function is called. */
export async function hold(sql: Sql, take: (tx: TransactionSql) => PromiseLike<unknown>): Promise<() => Promise<void>> {
  const { tx, rollback } = await openTransaction(sql);
  await take(tx);
  return rollback;
}

/** The backends of workers that wait for a lock. */
export function waiting(sql: Sql) {
  return sql<{ pid: number }[]>`
    select pid
    from pg_stat_activity
    where datname = current_database() and application_name like ${projectName + " worker%"} and wait_event_type = 'Lock'
  `;
}
