import { beforeEach, describe, expect, it } from "vitest";
import { type Event } from "../../app/db/feed.ts";
import { consume, type Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { append, begin, settled } from "../support/feed.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
let taken: string[];
const types = (events: Event[]) => events.map(({ event_type }) => event_type);
const reader: Consumer = {
  name: "reader",
  take: async (_tx, events) => void taken.push(...types(events)),
};

beforeEach(async () => {
  taken = [];
  await empty(sql);
  await sql`create table if not exists note (note_id bigint generated always as identity, event_type text not null)`;
  await sql`truncate note`;
});

/** Reads until there is nothing more to read; what is taken so far. */
async function read(consumer = reader): Promise<string[]> {
  while ((await consume(sql, consumer)) > 0);
  return taken;
}

/** Reads until so many are taken: transactions of other tests on the same server hold the feed up for moments. */
async function reads(count: number, consumer = reader): Promise<string[]> {
  await until("they are read", async () => (await read(consumer)).length >= count);
  return taken;
}

describe("a consumer", () => {
  it("sees what a slow writer commits last, though its number is the first", async () => {
    const slow = await begin(sql);
    await append(slow.tx, "SLOW");
    await append(sql, "FAST");
    expect(await read()).toEqual([]);
    await append(sql, "FASTER");
    expect(await read()).toEqual([]);

    await slow.commit();
    expect(await reads(3)).toEqual(["SLOW", "FAST", "FASTER"]);
    expect(await read()).toHaveLength(3);
  });

  it("sees an event whose number is lower than one that was read, when its transaction is the later one", async () => {
    // The first number of a sequence is logged, which would give its transaction a number, too.
    await sql`select nextval('event_event_id_seq')`;
    const first = await begin(sql);
    await first.tx`select nextval('event_event_id_seq')`;
    await append(sql, "BETWEEN");
    expect(await reads(1)).toEqual(["BETWEEN"]);
    await first.tx`insert into event (event_id, event_type) overriding system value values (2, 'LATE')`;
    await first.commit();
    expect(await reads(2)).toEqual(["BETWEEN", "LATE"]);
  });

  it("sees each once when several writers commit in any order, in the order of (xid, id)", async () => {
    const writers = [];
    for (const name of ["A", "B", "C", "D"]) {
      const writer = await begin(sql);
      await append(writer.tx, `${name}1`);
      writers.push({ ...writer, name });
    }
    for (const { tx, name } of writers.toReversed()) await append(tx, `${name}2`);
    await read();
    for (const place of [1, 3, 0, 2]) {
      await writers[place]!.commit();
      await read();
    }
    expect(await reads(8)).toEqual(["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2"]);
  });

  it("goes on past a writer that rolls back, and never sees what it wrote", async () => {
    const failing = await begin(sql);
    await append(failing.tx, "NEVER");
    await append(sql, "AFTER");
    expect(await read()).toEqual([]);
    await failing.rollback();
    expect(await reads(1)).toEqual(["AFTER"]);
  });

  it("sees what a savepoint keeps, in its place", async () => {
    const writer = await begin(sql);
    await append(writer.tx, "KEPT");
    await writer.tx`savepoint here`;
    await append(writer.tx, "UNDONE");
    await writer.tx`rollback to here`;
    await append(sql, "OTHER");
    await append(writer.tx, "KEPT TOO");
    await writer.commit();
    expect(await reads(3)).toEqual(["KEPT", "KEPT TOO", "OTHER"]);
  });

  it("that dies after its writes and before its cursor has written nothing, and sees the same again", async () => {
    await append(sql, "ONE");
    await settled(sql);
    const dying = run("test/support/dying-consumer.ts", { DATABASE_URL: url });
    await until("it has written", () => dying.output().includes("written"));
    await dying.end("SIGKILL");
    await until("Postgres has noticed", async () => (await consume(sql, reader)) > 0);

    expect(await sql`select from note`).toHaveLength(0);
    expect(await reads(1)).toEqual(["ONE"]);
  });

  it("whose writes fail keeps its place", async () => {
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    await settled(sql);
    const failing = { name: "reader", take: () => Promise.reject(new Error("no luck")) };
    await expect(consume(sql, failing)).rejects.toThrow("no luck");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
  });

  it("is stalled neither by a long reader nor by its old snapshot", async () => {
    const reading = await begin(sql);
    await reading.tx`set transaction isolation level repeatable read`;
    await reading.tx`select from event`;
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
    await reading.rollback();
  });

  it("has a place of its own", async () => {
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    expect(await reads(3, { ...reader, name: "another" })).toEqual(["ONE", "ONE", "TWO"]);
    expect(await reads(4)).toEqual(["ONE", "ONE", "TWO", "TWO"]);
  });
});
