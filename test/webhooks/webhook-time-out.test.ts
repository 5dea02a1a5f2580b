import { expect, it } from "vitest";
import { webhookHandlers } from "../../worker/webhooks/webhook-handlers.ts";
import { createDatabase } from "../support/database.ts";
import { speedUpTimers } from "../support/faster-timers.ts";
import { addWebhook, messageFor, startReceiver } from "../support/webhook-receiver.ts";

it.each<[string, Partial<Awaited<ReturnType<typeof startReceiver>>>]>([
  ["does not answer", { answer: () => {} }],
  ["stops in the middle of its headers", { answer: ({ socket }) => socket?.write("HTTP/1.1 204 No Content\r\nServ") }],
])("a webhook to a receiver that %s fails after ten seconds", async (_, behavior) => {
  const { sql } = await createDatabase();
  const receiver = Object.assign(await startReceiver(), behavior);
  const params = messageFor(await addWebhook(sql, receiver.url));
  const { POST_WEBHOOK } = webhookHandlers(sql, { WEBHOOK_ALLOW_PRIVATE: true, WORKER_CONCURRENCY: 5 });
  const task = { ...({} as Parameters<NonNullable<typeof POST_WEBHOOK>["run"]>[0]["task"]), attempt: 1 };
  const { signal } = new AbortController();

  const seconds = speedUpTimers();
  const attempt = { params, task, signal, emit: () => {}, finish: () => Promise.resolve() };
  await expect(POST_WEBHOOK?.run(attempt)).rejects.toThrow("No answer within 10 s.");
  expect(seconds()).toBeLessThan(20);
});
