import type { Sql } from "../../app/db/connect.ts";
import { anyAddresses, type Address } from "../../worker/webhooks/public-address.ts";
import { createPost } from "../../worker/webhooks/http-post.ts";
import { createReceiverLimit } from "../../worker/webhooks/receiver-limit.ts";
import { postWebhook } from "../../worker/webhooks/post-webhook.ts";
import { enqueue, runEngine } from "../support/engine.ts";
import { messageFor } from "./receiver.ts";

type Find = (host: string) => Promise<Address[]>;

/** An engine that delivers webhooks; its receivers have half a second to respond. */
export function startDelivery(database: { sql: Sql; url: string }, find: Find = anyAddresses) {
  const concurrency = 10;
  const handler = postWebhook(database.sql, createPost(find, 0.5), createReceiverLimit(concurrency / 5));
  return runEngine(database, { POST_WEBHOOK: handler }, { concurrency });
}

export const emptyWebhooks = (sql: Sql) =>
  sql`truncate task, task_error, task_dead, event, worker, webhook, webhook_disabled restart identity cascade`;

export async function enqueueMessages(sql: Sql, webhookId: string, count = 1): Promise<void> {
  for (let n = 0; n < count; n += 1) await enqueue(sql, "POST_WEBHOOK", 1, { params: sql.json(messageFor(webhookId)) });
}

/** The errors of failed attempts. */
export async function errorsOf(sql: Sql): Promise<string[]> {
  return (await sql<{ error: string }[]>`select error from task_error`).map(({ error }) => error);
}

export const deadOf = (sql: Sql) => sql<{ reason: string }[]>`select reason from task_dead order by task_id`;

/** Until the one task that has failed is due again. */
export async function secondsUntilNext(sql: Sql): Promise<number | undefined> {
  const [task] = await sql<{ seconds: number }[]>`
    select extract(epoch from run_at - now())::float8 as seconds from task where worker_id is null and attempt > 0
  `;
  return task?.seconds;
}
