import type { Sql } from "../../../app/db/connect.ts";
import { consumers } from "../../../worker/events/consumers.ts";

const followers = [...consumers.map(({ name }) => name), "note"];

/** For what the workers' consumer `note` sees; a table of its own, without a rule that would hide what comes twice. */
export const createSeenTable = (sql: Sql) => sql`
  create table seen (
    number bigint generated always as identity primary key,
    position text not null
  )
`;

/** The consumers that have not read all, and how many events they have in front of them; a consumer that never came has all. */
export const unread = (sql: Sql) => sql<{ name: string; events: number }[]>`
  select name, count(*)::int as events
  from unnest(${followers}::text[]) as known (name)
  left join event_consumer using (name)
  join event on coalesce((event.xid, event.event_id) > ((position).xid, (position).event_id), true)
  group by name
`;
