import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";

/** Who does it: a user's `usr_id`, or null for a command. */
export type Actor = string | null;

export type Changed = { webhook_id: string };

/** The body of a CTE: writes an event for the endpoint that has changed. */
export const logChange = (sql: Sql, what: string, actor: Actor, rows: PendingQuery<Row[]> = sql`changed`) => sql`
  insert into event (event_type, usr_id, data)
  select
    'WEBHOOK_CHANGED', ${actor}::bigint, jsonb_build_object('what', ${what}::text, 'webhook_id', webhook_id::text)
  from ${rows}
`;
