import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { schedule } from "../../worker/schedule.ts";
import { pruneEvents } from "../../worker/tasks/prune-events.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { appendEvent } from "../support/feed.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
let lines: string[];
beforeEach(async () => {
  lines = [];
  await empty(sql);
});

const happen = (event_type: string, days: number) =>
  appendEvent(sql, event_type, { created_at: new Date(Date.now() - days * 24 * 3600_000) });
const types = async () =>
  (await sql<{ event_type: string }[]>`select event_type from event order by event_id`).map(
    ({ event_type }) => event_type,
  );

/** A consumer that has read up to the event of this type, and was seen so many days ago. */
const consumer = (name: string, upTo: string, seenDays: number) => sql`
  insert into event_consumer (name, position, seen_at)
  select ${name}, row(xid, event_id)::event_position, now() - make_interval(days => ${seenDays})
  from event
  where event_type = ${upTo}
`;

async function prune(): Promise<void> {
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  await runEngine(database, { PRUNE_EVENTS: pruneEvents(sql, log, ["running"]) });
  await enqueue(sql, "PRUNE_EVENTS");
  await until("it is pruned", () => isEmpty(sql));
}

describe("PRUNE_EVENTS", () => {
  it("deletes events after 30 days", async () => {
    await happen("A", 31);
    await happen("B", 29);
    await happen("C", 31);
    await prune();
    expect(await types()).toEqual(["B"]);
  });

  it("keeps events that a live consumer has yet to read", async () => {
    for (const type of ["A", "B", "C"]) await happen(type, 40);
    await consumer("slow", "A", 29);
    await consumer("fast", "C", 0);
    await prune();
    expect(await types()).toEqual(["B", "C"]);
    expect(lines).toEqual([]);
  });

  it("drops a consumer that was not seen for 30 days, and logs an error", async () => {
    for (const type of ["A", "B", "C"]) await happen(type, 40);
    await consumer("gone", "A", 31);
    await consumer("slow", "B", 29);
    await prune();
    expect(await types()).toEqual(["C"]);
    expect(await sql`select name from event_consumer`).toEqual([{ name: "slow" }]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 50, consumer: "gone" });
  });

  it("drops no consumer that this worker runs", async () => {
    for (const type of ["A", "B"]) await happen(type, 40);
    await consumer("running", "A", 31);
    await prune();
    expect(await types()).toEqual(["B"]);
    expect(lines).toEqual([]);
  });

  it("deletes 25,000 old events behind one that stays", async () => {
    await happen("YOUNG", 1);
    await sql`insert into event (event_type, created_at) select 'OLD', '2026-01-01' from generate_series(1, 25000)`;
    await prune();
    expect(await types()).toEqual(["YOUNG"]);
  });

  it("is enqueued daily", () => {
    expect(schedule({ TZ_MAIL: "UTC" })).toContainEqual(
      expect.objectContaining({ task_type: "PRUNE_EVENTS", daily_at: "03:40" }),
    );
  });
});
