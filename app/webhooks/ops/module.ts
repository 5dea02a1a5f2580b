import { parseBody } from "../../http/body.ts";
import type { OperatorModule } from "../../ops/operator-pages.ts";
import { actOnWebhook } from "./act-on-webhook.ts";
import { editWebhook, showWebhook } from "./edit-webhook.ts";
import { addMetrics } from "./metrics.ts";
import { registerWebhook, showWebhooks } from "./register-webhook.ts";
import { rotateSecret } from "./rotate-secret.ts";

/** The pages on which operators register endpoints and change them, and the metrics. */
export const webhooks: OperatorModule = {
  operatorPages: {
    links: [["/ops/webhooks", "Webhooks"]],

    routes: ({ sql, origin }) => [
      ["get", "/ops/webhooks", showWebhooks(sql)],
      ["post", "/ops/webhooks", parseBody(), registerWebhook(sql, origin)],
      ["get", "/ops/webhooks/:id", showWebhook(sql)],
      ["post", "/ops/webhooks/:id", parseBody(), editWebhook(sql, origin)],
      ["post", "/ops/webhooks/:id/rotate", rotateSecret(sql)],
      ["post", "/ops/webhooks/:id/:action", actOnWebhook(sql)],
    ],

    addMetrics,
  },
};
