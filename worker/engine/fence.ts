import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db.ts";
import type { Task } from "../task.ts";

// The life of a task:
//   owed      a row that nobody holds            insert, by anybody
//   held      worker_id says by whom             claim-statements.ts: counts the attempt before the handler runs
//   done      no row; an event, if one is told   outcome-statements.ts: finish
//   failed    owed again, later; task_error      the same: fail
//   dead      moved to task_dead; error, event   the same: fail, without a delay
//   released  owed again, attempt given back     release-statements.ts: claimed, never started
//   put off   owed again, later; attempt given back   the same: started, and nothing was tried
//   freed     owed again, outcome unknown        session-statements.ts: its worker is gone, or did not wait
// Who finishes, fails or releases must hold the very attempt still: a worker that lost its claim changes nothing.

/** A claimed task as its fence knows it. */
export type Held = Pick<Task, "task_id" | "attempt" | "worker_id">;

/** An attempt that was still held, and has been written down. */
export type Written = Pick<Task, "task_id" | "attempt">;

/** The rows of a batch, each by its whole fence. */
export const held = (sql: Sql | TransactionSql, tasks: Held[]) => sql`
  unnest(
    ${tasks.map(({ task_id }) => task_id)}::bigint[],
    ${tasks.map(({ attempt }) => attempt)}::smallint[],
    ${tasks.map(({ worker_id }) => worker_id)}::uuid[]
  ) as held (task_id, attempt, worker_id)
`;

/** Whether a row in `task` is still the very attempt that `held` names. */
export const isHeld = (sql: Sql | TransactionSql) => sql`
  task.task_id = held.task_id and task.attempt = held.attempt and task.worker_id = held.worker_id
`;
