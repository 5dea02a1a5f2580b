import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { defineHandler, type Handler } from "../engine/task.ts";

const eventDays = 30;
const unseenDays = 30;
const batch = 10_000;

/**
 * Deletes events after 30 days, except those that a consumer has yet to read. A consumer that was not seen for 30 days
 * would keep them forever, so it is dropped, unless this worker runs it. If it comes back, it starts with the events
 * that are left.
 */
export function pruneEvents(sql: Sql, log: Log, consumers: string[]): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      for (const dropped of await dropUnseen(sql, consumers)) {
        log.error(dropped, "consumer dropped: it was not seen for 30 days, and misses the events that it has not read");
      }
      while ((await pruneFront(sql)) > 0) signal.throwIfAborted();
    },
  });
}

function dropUnseen(sql: Sql, consumers: string[]) {
  return sql<{ consumer: string; position: string; seen_at: Date }[]>`
    delete from event_consumer
    where seen_at < now() - make_interval(days => ${unseenDays})
      and name <> all(${consumers})
    returning name as consumer, (position).xid::text || '-' || (position).event_id as position, seen_at
  `;
}

/** Reads from the front of the feed, and so never scans the events that stay. Returns how many it deleted. */
async function pruneFront(sql: Sql): Promise<number> {
  const { count } = await sql`
    delete from event
    where (xid, event_id) in (
      select xid, event_id
      from (
        select xid, event_id, created_at
        from event
        order by xid, event_id
        limit ${batch}
      ) as front
      where created_at < now() - make_interval(days => ${eventDays})
        and not exists (
          select from event_consumer where ((position).xid, (position).event_id) < (front.xid, front.event_id)
        )
    )
  `;
  return count;
}
