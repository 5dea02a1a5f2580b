import type { Sql } from "../../app/db/connect.ts";
import { notifyWorkers } from "../../app/db/notify-workers.ts";
import { projectName } from "../../app/env.ts";
import { workerSettings } from "./servers.ts";
import { noOpTypes } from "./tasks.ts";

/** A queue, its worker process, and how a producer enqueues tasks. */
export type System = {
  name: string;
  database: "migrated" | "empty";
  script: string;
  settings: (url: string) => Record<string, string>;
  /** The table of tasks. */
  table: string;
  /** A query that returns a row while tasks are left. */
  left: string;
  /** Enqueues tasks with these numbers, as the documentation of the system says. */
  producer: (sql: Sql) => (first: number, last: number) => Promise<void>;
};

export function ownSystem(slots: number): System {
  return {
    name: projectName,
    database: "migrated",
    script: "bench/processes/worker.ts",
    settings: (url) => ({ ...workerSettings(url), WORKER_CONCURRENCY: String(slots) }),
    table: "task",
    left: "select from task limit 1",
    producer(sql) {
      const notifying = notifyWorkers(sql);
      return async (first, last) => {
        await notifying`
          insert into task (task_type, params)
          select (${noOpTypes}::text[])[1 + n % 3], jsonb_build_object('n', n)
          from generate_series(${first}::int, ${last}::int) as n
        `;
      };
    },
  };
}

/** Its documentation advises one connection more than concurrent jobs, and one to listen. */
export function graphileWorker(localQueue: number, connections = 26): System {
  return {
    name: "graphile-worker",
    database: "empty",
    script: "bench/peers/graphile-worker.js",
    settings: (url) => ({ DATABASE_URL: url, LOCAL_QUEUE: String(localQueue), CONNECTIONS: String(connections) }),
    table: "_private_jobs",
    left: "select from graphile_worker._private_jobs limit 1",
    producer: (sql) => async (first, last) => {
      if (first === last) {
        const type = noOpTypes[first % noOpTypes.length]!;
        await sql`select graphile_worker.add_job(${type}, json_build_object('n', ${first}::int))`;
        return;
      }
      await sql`
        select graphile_worker.add_jobs(array_agg(
          ((${noOpTypes}::text[])[1 + n % 3], json_build_object('n', n), null, null, null, null, null, null)::graphile_worker.job_spec
        ))
        from generate_series(${first}::int, ${last}::int) as n
      `;
    },
  };
}
