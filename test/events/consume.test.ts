import { beforeEach, describe, expect, it } from "vitest";
import { type Event } from "../../app/db/feed.ts";
import { consume, type Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, openTransaction, untilReadable } from "../support/feed.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
let consumed: string[];
const types = (events: Event[]) => events.map(({ event_type }) => event_type);
const reader: Consumer = {
  name: "reader",
  consume: async (_tx, events) => void consumed.push(...types(events)),
};

beforeEach(async () => {
  consumed = [];
  await empty(sql);
  await sql`create table if not exists note (note_id bigint generated always as identity, event_type text not null)`;
  await sql`truncate note`;
});

/** Consumes all that is readable, and returns the event types consumed so far. */
async function read(consumer = reader): Promise<string[]> {
  while ((await consume(sql, consumer)) > 0);
  return consumed;
}

/** Waits until this many are consumed: transactions of other tests on the same server may delay the feed. */
async function reads(count: number, consumer = reader): Promise<string[]> {
  await until("they are read", async () => (await read(consumer)).length >= count);
  return consumed;
}

describe("a consumer", () => {
  it("sees the event of a slow writer, which drew the first number and commits last", async () => {
    const slow = await openTransaction(sql);
    await appendEvent(slow.tx, "SLOW");
    await appendEvent(sql, "FAST");
    expect(await read()).toEqual([]);
    await appendEvent(sql, "FASTER");
    expect(await read()).toEqual([]);

    await slow.commit();
    expect(await reads(3)).toEqual(["SLOW", "FAST", "FASTER"]);
    expect(await read()).toHaveLength(3);
  });

  it("sees an event of a later transaction whose number is lower than one that it has read", async () => {
    // The first nextval of a sequence writes WAL, which would give its transaction an xid.
    await sql`select nextval('event_event_id_seq')`;
    const first = await openTransaction(sql);
    await first.tx`select nextval('event_event_id_seq')`;
    await appendEvent(sql, "BETWEEN");
    expect(await reads(1)).toEqual(["BETWEEN"]);
    await first.tx`insert into event (event_id, event_type) overriding system value values (2, 'LATE')`;
    await first.commit();
    expect(await reads(2)).toEqual(["BETWEEN", "LATE"]);
  });

  it("sees each event once, in the order of (xid, event_id), when writers commit in any order", async () => {
    const writers = [];
    for (const name of ["A", "B", "C", "D"]) {
      const writer = await openTransaction(sql);
      await appendEvent(writer.tx, `${name}1`);
      writers.push({ ...writer, name });
    }
    for (const { tx, name } of writers.toReversed()) await appendEvent(tx, `${name}2`);
    await read();
    for (const place of [1, 3, 0, 2]) {
      await writers[place]!.commit();
      await read();
    }
    expect(await reads(8)).toEqual(["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2"]);
  });

  it("never sees the events of a writer that rolls back, and continues after them", async () => {
    const failing = await openTransaction(sql);
    await appendEvent(failing.tx, "NEVER");
    await appendEvent(sql, "AFTER");
    expect(await read()).toEqual([]);
    await failing.rollback();
    expect(await reads(1)).toEqual(["AFTER"]);
  });

  it("sees the events that a rollback to a savepoint keeps, in their place", async () => {
    const writer = await openTransaction(sql);
    await appendEvent(writer.tx, "KEPT");
    await writer.tx`savepoint here`;
    await appendEvent(writer.tx, "UNDONE");
    await writer.tx`rollback to here`;
    await appendEvent(sql, "OTHER");
    await appendEvent(writer.tx, "KEPT TOO");
    await writer.commit();
    expect(await reads(3)).toEqual(["KEPT", "KEPT TOO", "OTHER"]);
  });

  it("that dies after its writes and before its position moves has written nothing, and sees the same events again", async () => {
    await appendEvent(sql, "ONE");
    await untilReadable(sql);
    const dying = run("test/support/dying-consumer.ts", { DATABASE_URL: url });
    await until("it has written", () => dying.output().includes("written"));
    await dying.end("SIGKILL");
    await until("Postgres has released its lock", async () => (await consume(sql, reader)) > 0);

    expect(await sql`select from note`).toHaveLength(0);
    expect(await reads(1)).toEqual(["ONE"]);
  });

  it("whose writes fail keeps its position", async () => {
    await appendEvent(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await appendEvent(sql, "TWO");
    await untilReadable(sql);
    const failing = { name: "reader", consume: () => Promise.reject(new Error("failed")) };
    await expect(consume(sql, failing)).rejects.toThrow("failed");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
  });

  it("is not delayed by a long reader and its old snapshot", async () => {
    const reading = await openTransaction(sql);
    await reading.tx`set transaction isolation level repeatable read`;
    await reading.tx`select from event`;
    await appendEvent(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await appendEvent(sql, "TWO");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
    await reading.rollback();
  });

  it("has a position of its own", async () => {
    await appendEvent(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await appendEvent(sql, "TWO");
    expect(await reads(3, { ...reader, name: "another" })).toEqual(["ONE", "ONE", "TWO"]);
    expect(await reads(4)).toEqual(["ONE", "ONE", "TWO", "TWO"]);
  });
});
