import type { Context } from "../../http/context.ts";
import * as format from "../../ops/format.ts";
import { isWebhookId } from "../webhook-fields.ts";

/** The endpoint in the path. Throws 404 unless it is a number that the database accepts. */
export function webhookIdOf(ctx: Context): string {
  const id = format.param(ctx, "id");
  return isWebhookId(id) ? id : ctx.throw(404);
}
