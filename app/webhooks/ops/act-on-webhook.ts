import type { Sql } from "../../db/connect.ts";
import type { Middleware } from "../../http/context.ts";
import { accepted } from "../../http/responses.ts";
import * as format from "../../ops/format.ts";
import { disable, remove, test } from "../actions.ts";
import { enable } from "../restart.ts";
import { webhookIdOf } from "./webhook-id.ts";

const actions = new Map([
  ["disable", disable],
  ["enable", enable],
  ["test", test],
  ["delete", remove],
]);

/** Runs the action of a button on an endpoint, once. */
export function actOnWebhook(sql: Sql): Middleware {
  return async (ctx) => {
    const webhookId = webhookIdOf(ctx);
    const action = format.param(ctx, "action");
    const act = actions.get(action);
    if (!act) return ctx.throw(404);

    const changed = await act(sql, webhookId, ctx.state.user.usr_id);
    accepted(ctx, `/ops/webhooks?${changed.length > 0 ? action : "nothing"}`);
  };
}
