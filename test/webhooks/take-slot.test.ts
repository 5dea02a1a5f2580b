import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { takeSlot } from "../../worker/webhooks/take-slot.ts";
import { createDatabase } from "../support/database.ts";
import { emptyWebhooks, errorsOf, enqueueMessages, secondsUntilNext, startDelivery } from "./deliver.ts";
import { isEmpty } from "../support/engine.ts";
import { addWebhook, startReceiver } from "./receiver.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;

const deliver = () => startDelivery(database);
beforeEach(() => emptyWebhooks(sql));

describe("POST_WEBHOOK", () => {
  it.each([429, 503])(
    "comes back when the receiver wants it after a %i, and lets it alone until then",
    async (status) => {
      const receiver = await startReceiver();
      receiver.answer = (response) => response.writeHead(status, { "retry-after": "100" }).end();
      const webhookId = await addWebhook(sql, receiver.url);
      await enqueueMessages(sql, webhookId);
      const engine = await deliver();
      const seconds = await until("it has failed", () => secondsUntilNext(sql));
      expect(seconds).toBeGreaterThan(95);
      expect(seconds).toBeLessThan(101);

      await sql`delete from task`;
      await enqueueMessages(sql, webhookId);
      engine.wake();
      await until(
        "the next one is snoozed",
        async () => (await sql`select from task where run_at > now()`).length === 1,
      );
      expect(await sql`select attempt, run_at > now() + interval '90 seconds' as is_later from task`).toEqual([
        { attempt: 0, is_later: true },
      ]);
      expect(receiver.requests).toHaveLength(1);
    },
  );

  it("backs off for longer when Retry-After is short", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(503, { "retry-after": "1" }).end();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    await sql`update task set attempt = 4`;
    await deliver();
    await until("it has failed", async () => (await errorsOf(sql)).length === 1);
    expect(await secondsUntilNext(sql)).toBeGreaterThan(600);
    expect(await sql`select pause_until < now() + interval '2 s' as is_short from webhook`).toEqual([
      { is_short: true },
    ]);
  });
});

describe("the rate of an endpoint", () => {
  it("holds over all workers when many tasks are due at once", async () => {
    const receiver = await startReceiver();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url, { per_second: 20 }), 50);
    await Promise.all([deliver(), deliver()]);
    await until("all are delivered", () => isEmpty(sql), 15);

    expect(receiver.ids().size).toBe(50);
    expect(receiver.requests).toHaveLength(50);
    const times = receiver.requests.map(({ at }) => at);
    // Check only the whole time: on a busy machine, a late request may arrive close to the next one.
    expect(times.at(-1)! - times[0]!).toBeGreaterThan((49 / 20) * 1000 - 250);
    expect(await errorsOf(sql)).toEqual([]);
  });
});

it("gives slots as far apart as the rate when many callers race", async () => {
  const other = connect({ DATABASE_URL: database.url, DATABASE_SSL: "off", DATABASE_POOL: 10 }, "test other worker");
  const webhookId = await addWebhook(sql, "https://receiver.example.com", { per_second: 100 });
  const asked = await Promise.all(
    Array.from({ length: 200 }, (_, n) => takeSlot(n % 2 ? sql : other, webhookId, false)),
  );
  await other.end();

  const slots = asked.filter((leave) => leave?.obstacle === null).map((leave) => leave!.sent_at);
  const gaps = slots.toSorted((a, b) => a - b).map((at, n, all) => at - (all[n - 1] ?? 0));
  expect(slots.length).toBeGreaterThanOrEqual(100);
  expect(Math.min(...gaps)).toBeGreaterThan(0.009_99);
  const places = asked.filter((leave) => leave?.obstacle !== null).map((leave) => leave!.wait_seconds);
  expect(places.every((seconds) => seconds > 0.5)).toBe(true);
});
