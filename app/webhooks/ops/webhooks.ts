import { accepted, refuse } from "../../http/responses.ts";
import type { Sql } from "../../db/connect.ts";
import type { Context, Middleware } from "../../http/context.ts";
import { page } from "../../http/page.ts";
import { disable, enable, register, remove, test } from "../actions.ts";
import * as format from "../../ops/format.ts";
import { newWebhook, problemsWith, webhookFields, type WebhookFields, type WebhookProblems } from "../webhook-form.ts";

type Webhook = {
  webhook_id: string;
  url: string;
  event_types: string[];
  per_second: number;
  disabled: string | null;
  failures: number;
  pause_seconds: number | null;
  last_error: string | null;
};

const notices = new Map([
  ["registered", "The endpoint is registered. It gets events from now on."],
  ["disable", "The endpoint is disabled."],
  ["enable", "The endpoint is enabled."],
  ["test", "A test event is on its way. If it fails, the error is shown here in a moment. Reload the page to see it."],
  ["delete", "The endpoint is deleted."],
  ["nothing", "Nothing changed. It was done before."],
]);
const taken: WebhookProblems = { secret: "Another endpoint has this secret. Every endpoint needs its own." };

/** The endpoints, and a form for one more. No page ever shows a secret again. */
export function showWebhooks(sql: Sql): Middleware {
  return (ctx) => show(sql, ctx, newWebhook(), {});
}

export function registerWebhook(sql: Sql, origin: string): Middleware {
  return async (ctx) => {
    const fields = webhookFields.parse(ctx.request.body);
    const again = (problems: WebhookProblems) => show(sql, ctx, fields, problems);
    const problems = problemsWith(fields, origin.startsWith("https:"));
    if (Object.keys(problems).length > 0) return refuse(ctx, problems, again);

    // Store the URL as the parser writes it, without what browsers ignore, such as a line break.
    const url = new URL(fields.url).href;
    const { is_this } = await register(sql, { ...fields, url }, ctx.state.user.usr_id);
    if (!is_this) return refuse(ctx, taken, again);
    accepted(ctx, "/ops/webhooks?registered");
  };
}

const actions = new Map([
  ["disable", disable],
  ["enable", enable],
  ["test", test],
  ["delete", remove],
]);

/** Runs the action of a button on an endpoint, once. */
export function actOnWebhook(sql: Sql): Middleware {
  return async (ctx) => {
    const [id, action] = [format.param(ctx, "id"), format.param(ctx, "action")];
    const act = actions.get(action);
    if (!act || !/^\d{1,18}$/.test(id)) return ctx.throw(404);

    const changed = await act(sql, id, ctx.state.user.usr_id);
    accepted(ctx, `/ops/webhooks?${changed.length > 0 ? action : "nothing"}`);
  };
}

async function show(sql: Sql, ctx: Context, fields: WebhookFields, problems: WebhookProblems): Promise<void> {
  const webhooks = await sql<Webhook[]>`
    select
      webhook_id, url, event_types, per_second, reason as disabled, failures, last_error,
      case when pause_until > now() then extract(epoch from pause_until - now())::float8 end as pause_seconds
    from webhook
    left join webhook_disabled using (webhook_id)
    order by webhook_id
    limit 1000
  `;
  const title = Object.keys(problems).length > 0 ? "Error: Webhooks" : "Webhooks";
  await page(ctx, "webhooks/ops/webhooks", {
    title,
    webhooks,
    format,
    fields,
    problems,
    notice: notices.get(ctx.querystring),
  });
}
