import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { consume, type Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent } from "../support/feed.ts";
import { until } from "../support/until.ts";

const { sql } = await createDatabase();
let consumed: string[];
const reader = (name: string): Consumer => ({
  name,
  consume: async (_tx, events) => void consumed.push(...events.map(({ event_type }) => event_type)),
});

beforeEach(async () => {
  consumed = [];
  await empty(sql);
});

/** Runs the statement in docs/events.md. */
async function renumber(): Promise<void> {
  const page = await readFile(new URL("../../docs/events.md", import.meta.url), "utf8");
  const [, statement] = /restore into a new cluster[^]*?```sql\n([^]*?)```/.exec(page) ?? [];
  await sql.unsafe(statement!);
}

async function reads(name: string, count: number): Promise<string[]> {
  consumed = [];
  await until("they are read", async () => {
    while ((await consume(sql, reader(name))) > 0);
    return consumed.length >= count;
  });
  return consumed;
}

describe("a database that was restored into a new cluster", () => {
  beforeEach(async () => {
    // The old cluster had far higher xids. The second event has the highest xid of the first three.
    await appendEvent(sql, "ONE", { xid: "9000000001" });
    await appendEvent(sql, "TWO", { xid: "9000000003" });
    await appendEvent(sql, "THREE", { xid: "9000000002" });
    await appendEvent(sql, "FOUR", { xid: "9000000004" });
    await sql`
      insert into event_consumer (name, position)
      values
        ('new', row('0', 0)::event_position),
        ('behind', row('9000000002', 3)::event_position),
        ('at the end', row('9000000004', 4)::event_position)
    `;
  });

  it("gives each consumer, old or new, each event once after its events are renumbered", async () => {
    await renumber();
    await appendEvent(sql, "FIVE");
    expect(await reads("at the end", 1)).toEqual(["FIVE"]);
    // It has read THREE, but not TWO, which ran at the same time and drew a lower event_id.
    expect(await reads("behind", 3)).toEqual(["TWO", "FOUR", "FIVE"]);
    expect(await reads("new", 5)).toEqual(["ONE", "THREE", "TWO", "FOUR", "FIVE"]);
  });

  it("can be renumbered again, and without events", async () => {
    await renumber();
    await reads("new", 4);
    await renumber();
    await appendEvent(sql, "FIVE");
    expect(await reads("new", 1)).toEqual(["FIVE"]);
    expect(await reads("behind", 3)).toEqual(["TWO", "FOUR", "FIVE"]);
    await sql`truncate event`;
    await renumber();
    await appendEvent(sql, "SIX");
    expect(await reads("new", 1)).toEqual(["SIX"]);
  });

  it("lets no consumer read before that", async () => {
    await expect(consume(sql, reader("at the end"))).rejects.toThrow("renumbered");
  });
});
