import type { TransactionSql } from "postgres";
import type { Sql } from "./connect.ts";

/** Something that happened. */
export type Event = {
  /** Its place in the feed, `xid-event_id`. Every reader meets the events in this order, which is not that of the commits. */
  position: string;
  event_id: string;
  event_type: string;
  usr_id: string | null;
  data: Record<string, unknown>;
  /** When its transaction began. */
  created_at: Date;
};

/** In front of the first event. */
export const beginning = "0-0";

/** The next events after a position, in the order of the feed. */
export function readEvents(sql: Sql | TransactionSql, after: string, limit: number) {
  const { xid, event_id } = splitPosition(after);
  return sql<Event[]>`
    select ${columns(sql)}
    from event
    where (xid, event_id) > (${xid}::xid8, ${event_id}::bigint) and ${isSettled(sql)}
    order by xid, event_id
    limit ${limit}
  `;
}

/** The last events that can be read by now, in the order of the feed. */
export async function readLastEvents(sql: Sql, limit: number): Promise<Event[]> {
  const events = await sql<Event[]>`
    select ${columns(sql)}
    from event
    where ${isSettled(sql)}
    order by xid desc, event_id desc
    limit ${limit}
  `;
  return events.toReversed();
}

/** A position in its two parts; throws for what is none. */
export function splitPosition(position: string): { xid: string; event_id: string } {
  if (!isPosition(position)) throw new Error(`Not a position in the feed: ${position}`);
  const [xid = "", event_id = ""] = position.split("-");
  return { xid, event_id };
}

export const isPosition = (text: string): boolean => /^\d{1,18}-\d{1,18}$/.test(text);

/**
 * Whether an event can be read without missing another: every transaction up to its own has ended. One that still runs may
 * have drawn a lower number and commit later; readers stop in front of the oldest.
 */
export const isSettled = (sql: Sql | TransactionSql) => sql`event.xid < pg_snapshot_xmin(pg_current_snapshot())`;

const columns = (sql: Sql | TransactionSql) => sql`
  xid::text || '-' || event_id as position, event_id, event_type, usr_id, data, created_at
`;
