import type { TransactionSql } from "postgres";
import type { Sql } from "./connect.ts";

export type Event = {
  /** `xid-event_id`. All readers see events in this order, which is not the order of their commits. */
  position: string;
  event_id: string;
  event_type: string;
  usr_id: string | null;
  data: Record<string, unknown>;
  /** When its transaction began. */
  created_at: Date;
};

/** The position before the first event. */
export const beginning = "0-0";

/** The next events after a position, in the order of the feed. */
export function readEvents(sql: Sql | TransactionSql, after: string, limit: number) {
  const { xid, event_id } = splitPosition(after);
  return sql<Event[]>`
    select ${columns(sql)}
    from event
    where (xid, event_id) > (${xid}::xid8, ${event_id}::bigint) and ${isReadable(sql)}
    order by xid, event_id
    limit ${limit}
  `;
}

/** The last readable events, in the order of the feed. */
export async function readLastEvents(sql: Sql, limit: number): Promise<Event[]> {
  const events = await sql<Event[]>`
    select ${columns(sql)}
    from event
    where ${isReadable(sql)}
    order by xid desc, event_id desc
    limit ${limit}
  `;
  return events.toReversed();
}

/** The two parts of a position. Throws if the text is no position. */
export function splitPosition(position: string): { xid: string; event_id: string } {
  if (!isPosition(position)) throw new Error(`Not a position in the feed: ${position}`);
  const [xid = "", event_id = ""] = position.split("-");
  return { xid, event_id };
}

export const isPosition = (text: string): boolean => /^\d{1,18}-\d{1,18}$/.test(text);

/**
 * A condition: every transaction up to the event's own has ended. A running transaction may have drawn a lower
 * event_id and may commit later, so readers stop before the oldest running one.
 */
export const isReadable = (sql: Sql | TransactionSql) => sql`event.xid < pg_snapshot_xmin(pg_current_snapshot())`;

const columns = (sql: Sql | TransactionSql) => sql`
  xid::text || '-' || event_id as position, event_id, event_type, usr_id, data, created_at
`;
