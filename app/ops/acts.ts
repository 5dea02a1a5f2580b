import { z } from "zod";
import type { Sql } from "../db/connect.ts";

/** Who does it: an operator's `usr_id`, or null for somebody at a shell. */
export type Actor = string | null;

/** What the database takes as a `task_id`. */
export const taskId = z.string().regex(/^\d{1,18}$/);

/** The body of a CTE that writes down what an operator did to the tasks in `changed`. */
export function noteActs(
  sql: Sql,
  what: "run" | "retry" | "cancel" | "bury",
  actor: Actor,
  changed: string,
  more = sql`'{}'::jsonb`,
) {
  return sql`
    insert into event (event_type, usr_id, data)
    select
      'OPERATOR_ACTED', ${actor}::bigint,
      jsonb_build_object('what', ${what}::text, 'task_id', task_id::text, 'task_type', task_type) || ${more}
    from ${sql(changed)}
  `;
}
