import type { Router } from "@koa/router";
import type { Sql } from "../db/connect.ts";
import type { State } from "../http/context.ts";
import { parseBody } from "../http/body.ts";
import { requireOperator } from "../log-in/session.ts";
import { actOnTask, retryType } from "./act.ts";
import { createReading, showOverview, streamOverview } from "./show-overview.ts";
import { showTask } from "./show-task.ts";
import { showType } from "./show-type.ts";
import { actOnWebhook, registerWebhook, showWebhooks } from "../webhooks/webhooks.ts";

type Options = { sql: Sql; origin: string; stopping: AbortSignal };

/** The operations page and all below it, for operators alone. */
export function addOperations(router: Router<State>, { sql, origin, stopping }: Options): void {
  const operator = requireOperator(sql);
  const read = createReading(sql);
  router.get("/ops", operator, showOverview(read));
  router.get("/ops/events", operator, streamOverview(read, stopping));
  router.get("/ops/types/:type", operator, showType(sql));
  router.post("/ops/types/:type/retry", operator, retryType(sql));
  router.get("/ops/tasks/:id", operator, showTask(sql));
  router.post("/ops/tasks/:id/:action", operator, actOnTask(sql));
  router.get("/ops/webhooks", operator, showWebhooks(sql));
  router.post("/ops/webhooks", operator, parseBody(), registerWebhook(sql, origin));
  router.post("/ops/webhooks/:id/:action", operator, actOnWebhook(sql));
}
