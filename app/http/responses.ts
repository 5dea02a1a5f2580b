import { wantsJson, type Context } from "./context.ts";
import { page } from "./page.ts";

/** What is wrong, by field; `form` is what no field alone is to blame for. */
type Problems = Record<string, string | undefined>;

/** It is done: a form goes on to the next page, JSON gets 204. */
export function accepted(ctx: Context, path: string): void {
  if (wantsJson(ctx)) {
    ctx.status = 204;
    return;
  }
  ctx.status = 303;
  ctx.redirect(path);
}

/** 422: the same page again with what is wrong, or the fields and their messages as JSON. */
export async function refuse<Known extends Problems>(
  ctx: Context,
  problems: Known,
  show: (problems: Known) => Promise<void>,
): Promise<void> {
  ctx.status = 422;
  if (wantsJson(ctx)) {
    ctx.body = { errors: problems };
    return;
  }
  await show(problems);
}

const expiredTitle = "This link no longer works";
const expiredMessage = "It has expired, it was already used, or a newer link replaced it.";

/** 410, the same for a link that was used, has expired, or never existed. */
export async function showDeadLink(ctx: Context, way: { href: string; label: string; hint?: string }): Promise<void> {
  ctx.status = 410;
  if (wantsJson(ctx)) {
    ctx.body = { error: `${expiredTitle}. ${expiredMessage}` };
    return;
  }
  await page(ctx, "expired-link", { title: expiredTitle, message: expiredMessage, ...way });
}

const takenTitle = "Another account uses this address";

/** 409: another account verified the address first. */
export async function showTaken(ctx: Context): Promise<void> {
  ctx.status = 409;
  if (wantsJson(ctx)) {
    ctx.body = { error: `${takenTitle}. We did not change anything.` };
    return;
  }
  await page(ctx, "account/taken", { title: takenTitle });
}
