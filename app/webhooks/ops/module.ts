import { parseBody } from "../../http/body.ts";
import { defineModule } from "../../http/module.ts";
import { requireOperator } from "../../ops/module.ts";
import { actOnWebhook, registerWebhook, showWebhooks } from "./webhooks.ts";

/** The page on which operators register endpoints. */
export const webhooks = defineModule({
  requires: ["ops"],
  operatorLinks: [["/ops/webhooks", "Webhooks"]],

  start: ({ sql, origin }) => ({
    addRoutes(router) {
      const operator = requireOperator(sql);
      router.get("/ops/webhooks", operator, showWebhooks(sql));
      router.post("/ops/webhooks", operator, parseBody(), registerWebhook(sql, origin));
      router.post("/ops/webhooks/:id/:action", operator, actOnWebhook(sql));
    },
  }),
});
