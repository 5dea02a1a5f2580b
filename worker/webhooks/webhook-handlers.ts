import type { Sql } from "../../app/db/connect.ts";
import type { WorkerEnv } from "../../app/env.ts";
import { anyAddresses, outsideAddresses, resolveName } from "./outside-address.ts";
import { createPostOutside } from "./post-outside.ts";
import { createReceiverRoom } from "./receiver-room.ts";
import type { Handler } from "../engine/task.ts";
import { postWebhook } from "./post-webhook.ts";

type Settings = Pick<WorkerEnv, "WEBHOOK_ALLOW_PRIVATE" | "WORKER_CONCURRENCY">;

/** The task type of webhooks, with what it needs of this worker. Slow receivers hold a fifth of the hands at most. */
export function webhookHandlers(sql: Sql, env: Settings): Record<string, Handler> {
  const { WEBHOOK_ALLOW_PRIVATE, WORKER_CONCURRENCY } = env;
  const post = createPostOutside(WEBHOOK_ALLOW_PRIVATE ? anyAddresses : (host) => outsideAddresses(host, resolveName));
  return { POST_WEBHOOK: postWebhook(sql, post, createReceiverRoom(Math.ceil(WORKER_CONCURRENCY / 5))) };
}
