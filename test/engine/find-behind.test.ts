import { beforeEach, describe, expect, it } from "vitest";
import { readEvents, beginning } from "../../app/db/feed.ts";
import { consume, findBehind, type Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, openTransaction, untilReadable } from "../support/feed.ts";

const { sql } = await createDatabase();
const reader: Consumer = { name: "reader", consume: async () => {} };

beforeEach(() => empty(sql));

const read = async () => {
  while ((await consume(sql, reader)) > 0);
};
const isBehind = async () => (await findBehind(sql, [reader])).length === 1;

describe("an event as it is read", () => {
  it("says what happened to whom, where and when", async () => {
    await appendEvent(sql, "MAIL_SENT", { usr_id: "7", data: { task_type: "MAIL" } });
    await untilReadable(sql);
    expect([...(await readEvents(sql, beginning, 10))]).toEqual([
      {
        position: expect.stringMatching(/^\d+-1$/) as string,
        event_id: "1",
        event_type: "MAIL_SENT",
        usr_id: "7",
        data: { task_type: "MAIL" },
        created_at: expect.any(Date) as Date,
      },
    ]);
  });
});

describe("a look at who is behind", () => {
  it("finds who is new, who has something to read, and who was not seen for an hour", async () => {
    expect(await isBehind()).toBe(true);
    await read();
    expect(await isBehind()).toBe(false);

    await appendEvent(sql, "ONE");
    await untilReadable(sql);
    await read();
    expect(await isBehind()).toBe(false);

    await sql`update event_consumer set seen_at = now() - interval '61 minutes'`;
    expect(await isBehind()).toBe(true);
    await read();
    expect(await isBehind()).toBe(false);
  });

  it("is not fooled by what cannot be read yet", async () => {
    await read();
    const slow = await openTransaction(sql);
    await appendEvent(slow.tx, "SLOW");
    await appendEvent(sql, "FAST");
    expect(await isBehind()).toBe(false);
    await slow.commit();
    await untilReadable(sql);
  });
});
