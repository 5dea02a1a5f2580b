import { expect, it } from "vitest";
import { createPost } from "../../worker/webhooks/http-post.ts";
import { postWebhook } from "../../worker/webhooks/post-webhook.ts";
import { anyAddresses } from "../../worker/webhooks/public-address.ts";
import { createReceiverLimit } from "../../worker/webhooks/receiver-limit.ts";
import { createDatabase } from "../support/database.ts";
import { speedUpTimers } from "../support/faster-timers.ts";
import { addWebhook, messageFor, startReceiver } from "./receiver.ts";

it.each<[string, Partial<Awaited<ReturnType<typeof startReceiver>>>]>([
  ["does not respond", { answer: () => {} }],
  ["stops in the middle of its headers", { answer: ({ socket }) => socket?.write("HTTP/1.1 204 No Content\r\nServ") }],
])("a webhook to a receiver that %s fails after ten seconds", async (_, behavior) => {
  const { sql } = await createDatabase();
  const receiver = Object.assign(await startReceiver(), behavior);
  const params = messageFor(await addWebhook(sql, receiver.url));
  const handler = postWebhook(sql, createPost(anyAddresses), createReceiverLimit(1));
  const task = { ...({} as Parameters<typeof handler.run>[0]["task"]), attempt: 1 };
  const { signal } = new AbortController();

  const seconds = speedUpTimers();
  const attempt = { params, task, signal, emit: () => {}, finish: () => Promise.resolve() };
  await expect(handler.run(attempt)).rejects.toThrow("No response within 10 s.");
  expect(seconds()).toBeLessThan(20);
});
