import type { Sql } from "../../db/connect.ts";
import type { Context, Middleware } from "../../http/context.ts";
import { page } from "../../http/page.ts";
import { accepted, refuse } from "../../http/responses.ts";
import * as format from "../../ops/format.ts";
import { register } from "../actions.ts";
import { readWebhooks } from "../read-webhooks.ts";
import { emptyWebhook, newSecret, problemsWith, toFields, type TypedWebhook } from "../webhook-fields.ts";
import { problemsWithSecret, registerForm, type Problems } from "./forms.ts";

type Typed = TypedWebhook & { secret: string };

const notices = new Map([
  ["registered", "The endpoint is registered. It gets events from now on."],
  ["edit", "The endpoint is changed."],
  ["disable", "The endpoint is disabled."],
  ["enable", "The endpoint is enabled."],
  ["test", "A test event is on its way. If it fails, the error is shown here in a moment. Reload the page to see it."],
  ["delete", "The endpoint is deleted."],
  ["nothing", "Nothing changed. It was done before, or the endpoint is disabled or deleted."],
]);
const taken: Problems = { secret: "Another endpoint has this secret. Every endpoint needs its own." };

/** The endpoints, and a form for one more. No page ever shows a secret again. */
export function showWebhooks(sql: Sql): Middleware {
  // Secrets are unique, so a form that is sent twice registers one endpoint.
  return (ctx) => show(sql, ctx, { ...emptyWebhook, secret: newSecret() }, {});
}

export function registerWebhook(sql: Sql, origin: string): Middleware {
  return async (ctx) => {
    const typed = registerForm.parse(ctx.request.body);
    const again = (problems: Problems) => show(sql, ctx, typed, problems);
    const problems = { ...problemsWith(typed, origin), ...problemsWithSecret(typed.secret) };
    if (Object.keys(problems).length > 0) return refuse(ctx, problems, again);

    const { is_this } = await register(sql, toFields(typed), typed.secret, ctx.state.user.usr_id);
    if (!is_this) return refuse(ctx, taken, again);
    accepted(ctx, "/ops/webhooks?registered");
  };
}

async function show(sql: Sql, ctx: Context, fields: Typed, problems: Problems): Promise<void> {
  await page(ctx, "webhooks/ops/webhooks", {
    title: Object.keys(problems).length > 0 ? "Error: Webhooks" : "Webhooks",
    webhooks: await readWebhooks(sql),
    format,
    fields,
    problems,
    notice: notices.get(ctx.querystring),
  });
}
