import { expect } from "vitest";
import type { Sql } from "../../../app/db/connect.ts";
import type { Model } from "./model.ts";

/** Compares all tables with the model. */
export async function expectAsModelled(sql: Sql, { tasks, dead, errors, sessions }: Model): Promise<void> {
  const [rows] = await sql<{ tasks: unknown; dead: unknown; errors: unknown; sessions: unknown }[]>`
    select
      (select array_agg(concat_ws('/', task_id, attempt, crashes, coalesce(worker_id::text, '')) order by task_id)
        from task) as tasks,
      (select array_agg(concat_ws('/', task_id, attempt, reason) order by task_id) from task_dead) as dead,
      (select array_agg(concat_ws('/', task_id, attempt, error) order by task_id, attempt) from task_error) as errors,
      (select array_agg(worker_id::text order by worker_id) from worker) as sessions
  `;
  const none = (list: string[]) => (list.length > 0 ? list : null);
  const inOrder = <Value>(map: Map<string, Value>) =>
    [...map].toSorted(([a], [b]) => {
      const [id, attempt = 0] = a.split("/").map(Number);
      const [otherId, otherAttempt = 0] = b.split("/").map(Number);
      return id! - otherId! || attempt - otherAttempt;
    });
  expect(rows).toEqual({
    tasks: none(
      inOrder(tasks).map(([id, { attempt, crashes, worker_id }]) => `${id}/${attempt}/${crashes}/${worker_id ?? ""}`),
    ),
    dead: none(inOrder(dead).map(([id, { attempt, reason }]) => `${id}/${attempt}/${reason}`)),
    errors: none(inOrder(errors).map(([key, error]) => `${key}/${error}`)),
    sessions: none([...sessions.keys()].toSorted()),
  });
}
