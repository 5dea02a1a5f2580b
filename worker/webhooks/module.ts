import { z } from "zod";
import { defineModule } from "../module.ts";
import { enqueueWebhooks } from "./enqueue-webhooks.ts";
import { createPost } from "./http-post.ts";
import { postWebhook } from "./post-webhook.ts";
import { pruneWebhookSecrets } from "./prune-webhook-secrets.ts";
import { anyAddresses, publicAddresses, resolveName } from "./public-address.ts";
import { createReceiverLimit } from "./receiver-limit.ts";

/** Delivers events to the registered endpoints. Slow receivers occupy at most a fifth of the slots. */
export const webhooks = defineModule({
  env: {
    // For development only: in production, an endpoint could make the worker post to a service behind the firewall.
    WEBHOOK_ALLOW_PRIVATE: z
      .enum(["0", "1"], "must be 1 or 0")
      .default("0")
      .transform((text) => text === "1"),
  },
  developmentEnv: { WEBHOOK_ALLOW_PRIVATE: "1" },

  createHandlers({ sql, env: { WEBHOOK_ALLOW_PRIVATE, WORKER_CONCURRENCY } }) {
    const find = WEBHOOK_ALLOW_PRIVATE ? anyAddresses : (host: string) => publicAddresses(host, resolveName);
    const limit = createReceiverLimit(Math.ceil(WORKER_CONCURRENCY / 5));
    return {
      POST_WEBHOOK: postWebhook(sql, createPost(find), limit),
      PRUNE_WEBHOOK_SECRETS: pruneWebhookSecrets(sql),
    };
  },

  schedule: () => [{ name: "prune webhook secrets", task_type: "PRUNE_WEBHOOK_SECRETS", every_minutes: 60 }],

  consumers: [enqueueWebhooks],
});
