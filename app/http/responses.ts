import { wantsJson, type Context } from "./context.ts";
import { page } from "./page.ts";

/** Messages by field; `form` has what concerns no single field. */
type Problems = Record<string, string | undefined>;

/** Success: a form is redirected to the next page, JSON gets 204. */
export function accepted(ctx: Context, path: string): void {
  if (wantsJson(ctx)) {
    ctx.status = 204;
    return;
  }
  ctx.status = 303;
  ctx.redirect(path);
}

/** 422: the same page again with the messages, or the messages as JSON. */
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

/** 410: the same for a used link, an expired one, and one that never existed. */
export function showExpiredLink(ctx: Context, next: { href: string; label: string; hint?: string }): Promise<void> {
  const title = "This link no longer works";
  const message = "It has expired, it was already used, or a newer link replaced it.";
  return showProblem(ctx, 410, "expired-link", { title, message, ...next });
}

/** 409: another account verified the address first. */
export function showAddressTaken(ctx: Context): Promise<void> {
  const title = "Another account uses this address";
  return showProblem(ctx, 409, "account/taken", { title, message: "We did not change anything." });
}

async function showProblem(
  ctx: Context,
  status: number,
  view: string,
  data: { title: string; message: string },
): Promise<void> {
  ctx.status = status;
  if (wantsJson(ctx)) {
    ctx.body = { error: `${data.title}. ${data.message}` };
    return;
  }
  await page(ctx, view, data);
}
