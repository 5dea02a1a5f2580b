import { beforeEach, describe, expect, it } from "vitest";
import { publicAddresses } from "../../worker/webhooks/public-address.ts";
import { createReceiverLimit } from "../../worker/webhooks/receiver-limit.ts";
import { postWebhook } from "../../worker/webhooks/post-webhook.ts";
import { createDatabase } from "../support/database.ts";
import { deadOf, emptyWebhooks, errorsOf, enqueueMessages, secondsUntilNext, startDelivery } from "./deliver.ts";
import { isEmpty, enqueue } from "../support/engine.ts";
import { addWebhook, isSigned, messageFor, secret, startReceiver } from "./receiver.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;

const deliver = (find?: Parameters<typeof startDelivery>[1]) => startDelivery(database, find);
beforeEach(() => emptyWebhooks(sql));

describe("POST_WEBHOOK", () => {
  it("posts the event, signed, under an id of its own, and is done", async () => {
    const receiver = await startReceiver();
    const webhookId = await addWebhook(sql, receiver.url, { secret });
    const message = messageFor(webhookId);
    await enqueue(sql, "POST_WEBHOOK", 1, { params: sql.json(message) });
    await deliver();
    await until("it is delivered", () => isEmpty(sql));

    const [request] = receiver.requests;
    const { type, timestamp, data } = message;
    expect(JSON.parse(request!.body)).toEqual({ type, timestamp, data });
    expect(request!.headers).toMatchObject({ "content-type": "application/json", "webhook-id": message.message_id });
    expect(Math.abs(Number(request!.headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(5);
    expect(isSigned(request!)).toBe(true);
    expect(receiver.requests).toHaveLength(1);
  });

  it("is retried under the same id when the receiver fails, and keeps its response as the error", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) =>
      response.writeHead(receiver.requests.length === 1 ? 500 : 200, { location: receiver.url }).end();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    const engine = await deliver();
    const seconds = await until("it has failed", () => secondsUntilNext(sql));
    expect(seconds).toBeGreaterThan(3);
    expect(seconds).toBeLessThan(11);
    expect(await errorsOf(sql)).toEqual(["The receiver responded with 500."]);

    await sql`update task set run_at = now()`;
    engine.wake();
    await until("it is delivered", () => isEmpty(sql));
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.ids().size).toBe(1);
    expect(await sql`select failures, last_error from webhook`).toEqual([{ failures: 0, last_error: null }]);
  });

  it("follows no redirect", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(302, { location: receiver.url }).end();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    await deliver();
    await until("it has failed", () => secondsUntilNext(sql));
    expect(await errorsOf(sql)).toEqual(["The receiver responded with 302."]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("backs off for two to four days", () => {
    const handler = postWebhook(sql, () => Promise.reject(new Error()), createReceiverLimit(1));
    const waits = Array.from({ length: handler.maxAttempts - 1 }, (_, n) => handler.backoffSeconds(n + 1));
    const days = waits.reduce((sum, seconds) => sum + seconds, 0) / 86_400;
    expect(days).toBeGreaterThan(2);
    expect(days).toBeLessThan(4.5);
    expect(Math.max(...waits)).toBeLessThanOrEqual(6 * 3600);
  });

  it("disables an endpoint that responds 410; its pending deliveries die, and can be retried", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(410).end();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    const engine = await deliver();
    await until("it is dead", async () => (await deadOf(sql)).length === 1);
    expect(await sql`select webhook_id, reason from webhook_disabled`).toEqual([
      { webhook_id: "1", reason: "The receiver responded with 410." },
    ]);
    await enqueueMessages(sql, "1");
    engine.wake();
    await until("the next is dead, too", async () => (await deadOf(sql)).length === 2);
    expect(await deadOf(sql)).toEqual([
      { reason: "The receiver responded with 410." },
      { reason: "The endpoint is disabled: The receiver responded with 410." },
    ]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("names the error after several addresses were tried", async () => {
    await enqueueMessages(sql, await addWebhook(sql, "http://receiver.example.com:1/"));
    const addresses = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    await deliver(() => Promise.resolve(addresses));
    await until("it has failed", () => secondsUntilNext(sql));
    expect(await errorsOf(sql)).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });

  it("is done without a request when the endpoint was deleted", async () => {
    await enqueueMessages(sql, "404");
    await deliver();
    await until("nothing is pending", () => isEmpty(sql));
    expect(await deadOf(sql)).toEqual([]);
  });

  it("never reaches a private address, by name or number", async () => {
    const receiver = await startReceiver();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    await enqueueMessages(sql, await addWebhook(sql, receiver.url.replace("127.0.0.1", "inside.example.com")));
    await deliver((host) => publicAddresses(host, () => Promise.resolve(["127.0.0.1"])));
    await until("both have failed", async () => (await errorsOf(sql)).length === 2);
    const reason = "Its address is private, loopback, link-local or reserved: refused.";
    expect(await errorsOf(sql)).toEqual([reason, reason]);
    // A name may resolve to another address later.
    expect(await deadOf(sql)).toEqual([{ reason }]);
    expect(receiver.requests).toHaveLength(0);
  });
});
