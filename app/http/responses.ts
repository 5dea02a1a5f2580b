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

const deadTitle = "This link is of no use any more";
const deadMessage = "It was used already, a newer one has taken its place, or it is too old.";

/** 410, the same for a link that was used, has expired, or never was. */
export async function showDeadLink(ctx: Context, way: { href: string; label: string; hint?: string }): Promise<void> {
  ctx.status = 410;
  if (wantsJson(ctx)) {
    ctx.body = { error: `${deadTitle}. ${deadMessage}` };
    return;
  }
  await page(ctx, "dead-link", { title: deadTitle, message: deadMessage, ...way });
}

const takenTitle = "This address has another account now";

/** 409: somebody who has verified the address was quicker. */
export async function showTaken(ctx: Context): Promise<void> {
  ctx.status = 409;
  if (wantsJson(ctx)) {
    ctx.body = { error: `${takenTitle}. Nothing was changed.` };
    return;
  }
  await page(ctx, "account/taken", { title: takenTitle });
}
