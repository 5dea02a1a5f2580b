import type { Sql } from "../../db/connect.ts";
import type { Context, Middleware } from "../../http/context.ts";
import { page } from "../../http/page.ts";
import { accepted, refuse } from "../../http/responses.ts";
import * as format from "../../ops/format.ts";
import { readWebhooks } from "../read-webhooks.ts";
import { edit } from "../restart.ts";
import { problemsWith, toFields, typeWebhook, type TypedWebhook } from "../webhook-fields.ts";
import { editForm, type Problems } from "./forms.ts";
import { webhookIdOf } from "./webhook-id.ts";

/** The form that edits an endpoint, and the button that rotates its secret. */
export function showWebhook(sql: Sql): Middleware {
  return (ctx) => show(sql, ctx, undefined, {});
}

export function editWebhook(sql: Sql, origin: string): Middleware {
  return async (ctx) => {
    const webhookId = webhookIdOf(ctx);
    const typed = editForm.parse(ctx.request.body);
    const problems = problemsWith(typed, origin);
    if (Object.keys(problems).length > 0) return refuse(ctx, problems, (problems) => show(sql, ctx, typed, problems));

    const changed = await edit(sql, webhookId, toFields(typed), ctx.state.user.usr_id);
    accepted(ctx, `/ops/webhooks?${changed.length > 0 ? "edit" : "nothing"}`);
  };
}

/** `typed` is what was refused; else the form has the fields of the endpoint. */
async function show(sql: Sql, ctx: Context, typed: TypedWebhook | undefined, problems: Problems): Promise<void> {
  const [webhook] = await readWebhooks(sql, webhookIdOf(ctx));
  if (!webhook) return ctx.throw(404);
  const title = "Edit an endpoint";
  await page(ctx, "webhooks/ops/webhook", {
    title: typed ? `Error: ${title}` : title,
    webhook,
    format,
    fields: typed ?? typeWebhook(webhook),
    problems,
  });
}
