import { parseBody } from "../../http/body.ts";
import type { OperatorModule } from "../../ops/operator-pages.ts";
import { actOnWebhook, registerWebhook, showWebhooks } from "./webhooks.ts";

/** The page on which operators register endpoints. */
export const webhooks: OperatorModule = {
  operatorPages: {
    links: [["/ops/webhooks", "Webhooks"]],

    routes: ({ sql, origin }) => [
      ["get", "/ops/webhooks", showWebhooks(sql)],
      ["post", "/ops/webhooks", parseBody(), registerWebhook(sql, origin)],
      ["post", "/ops/webhooks/:id/:action", actOnWebhook(sql)],
    ],

    addMetrics: async () => {},
  },
};
