import type { Sql } from "../../db/connect.ts";
import { wantsJson, type Middleware } from "../../http/context.ts";
import { page } from "../../http/page.ts";
import * as format from "../../ops/format.ts";
import { rotate } from "../actions.ts";
import { newSecret } from "../webhook-fields.ts";
import { webhookIdOf } from "./webhook-id.ts";

/** Rotates the secret. The response shows the new one, and nothing shows it again: it is in no URL, and not cached. */
export function rotateSecret(sql: Sql): Middleware {
  return async (ctx) => {
    const secret = newSecret();
    const [rotated] = await rotate(sql, webhookIdOf(ctx), secret, ctx.state.user.usr_id);
    if (!rotated) return ctx.throw(404);

    const { url, old_secrets_expire_at } = rotated;
    if (wantsJson(ctx)) {
      ctx.body = { secret, old_secrets_expire_at };
      return;
    }
    const until = format.time(old_secrets_expire_at);
    await page(ctx, "webhooks/ops/secret", { title: "The new secret", url, secret, until });
  };
}
