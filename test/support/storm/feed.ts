import type { Sql } from "../../../app/db/connect.ts";
import { consumers } from "../../../worker/events/consumers.ts";

const names = [...consumers.map(({ name }) => name), "note"];

/** The table that the workers' consumer `note` writes to. It has no unique constraint, which would hide duplicates. */
export const createSeenTable = (sql: Sql) => sql`
  create table seen (
    number bigint generated always as identity primary key,
    position text not null
  )
`;

/** The consumers that are behind, and by how many events. A consumer that never ran has all events before it. */
export const unread = (sql: Sql) => sql<{ name: string; events: number }[]>`
  select name, count(*)::int as events
  from unnest(${names}::text[]) as known (name)
  left join event_consumer using (name)
  join event on coalesce((event.xid, event.event_id) > ((position).xid, (position).event_id), true)
  group by name
`;
