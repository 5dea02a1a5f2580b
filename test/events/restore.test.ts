import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { consume, type Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { append } from "../support/feed.ts";
import { until } from "../support/until.ts";

const { sql } = await createDatabase();
let taken: string[];
const reader = (name: string): Consumer => ({
  name,
  take: async (_tx, events) => void taken.push(...events.map(({ event_type }) => event_type)),
});

beforeEach(async () => {
  taken = [];
  await empty(sql);
});

/** What docs/feed.md says to run. */
async function renumber(): Promise<void> {
  const page = await readFile(new URL("../../docs/feed.md", import.meta.url), "utf8");
  const [, statement] = /restore into a new cluster[^]*?```sql\n([^]*?)```/.exec(page) ?? [];
  await sql.unsafe(statement!);
}

async function reads(name: string, count: number): Promise<string[]> {
  taken = [];
  await until("they are read", async () => {
    while ((await consume(sql, reader(name))) > 0);
    return taken.length >= count;
  });
  return taken;
}

describe("a database that was restored into a new cluster", () => {
  beforeEach(async () => {
    // Written by transactions of the old cluster, whose numbers were far higher; the second took its number last.
    await append(sql, "ONE", { xid: "9000000001" });
    await append(sql, "TWO", { xid: "9000000003" });
    await append(sql, "THREE", { xid: "9000000002" });
    await append(sql, "FOUR", { xid: "9000000004" });
    await sql`
      insert into event_consumer (name, position)
      values
        ('new', row('0', 0)::event_position),
        ('behind', row('9000000002', 3)::event_position),
        ('at the end', row('9000000004', 4)::event_position)
    `;
  });

  it("loses nothing to any consumer, old or new, once its events are renumbered", async () => {
    await renumber();
    await append(sql, "FIVE");
    expect(await reads("new", 5)).toEqual(["ONE", "TWO", "THREE", "FOUR", "FIVE"]);
    expect(await reads("at the end", 1)).toEqual(["FIVE"]);
    // The third, which it had read, was under way together with the second, which it had not.
    expect(await reads("behind", 4)).toEqual(["TWO", "THREE", "FOUR", "FIVE"]);
  });

  it("is renumbered by a second run, too, and by one without events", async () => {
    await renumber();
    await reads("new", 4);
    await renumber();
    await append(sql, "FIVE");
    expect(await reads("new", 1)).toEqual(["FIVE"]);
    await sql`truncate event`;
    await renumber();
    await append(sql, "SIX");
    expect(await reads("new", 1)).toEqual(["SIX"]);
  });

  it("is not read on unnoticed before that", async () => {
    await expect(consume(sql, reader("at the end"))).rejects.toThrow("renumbered");
  });
});
