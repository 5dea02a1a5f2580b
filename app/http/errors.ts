import { isUnavailable } from "../db/connect.ts";
import { wantsJson, type Context, type Middleware } from "./context.ts";
import { page } from "./page.ts";

type Words = [title: string, message: string];

const words: Record<number, Words> = {
  400: ["Bad request", "We could not read what your browser sent."],
  401: ["Not logged in", "Please log in first."],
  403: [
    "Not from this site",
    "The request came from another site, so nothing was done. Please start from our own page.",
  ],
  404: ["Page not found", "There is nothing at this address."],
  405: ["Not possible here", "This address does not take that kind of request."],
  408: ["Too slow", "Your request did not arrive in time. Please send it again."],
  413: ["Too large", "That was more than we read. Please send less."],
  415: ["Unknown format", "Please send a form, or JSON."],
  429: ["Too many requests", "Too many tries from your network. Please try again later."],
  500: ["Something went wrong", "That was our fault, and it is in our log."],
  503: ["Back in a moment", "We are too busy or away right now. Trying again is safe: nothing is done twice."],
};
const retryAfterSeconds = 5;

/** To throw where the words of the status alone would not say why. */
export class Refused extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, message: string) {
    super(message);
    this.status = status;
    this.title = title;
  }
}

/** To throw when a rate limit is exceeded. */
export class TooManyRequests extends Refused {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    const minutes = Math.ceil(retryAfterSeconds / 60);
    super(429, "Too many attempts", `Wait ${minutes === 1 ? "a minute" : `${minutes} minutes`}, then try again.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The one place where a failed request is answered: a page or JSON, as asked. */
export function answerErrors(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const status = statusOf(error);
      if (status >= 500) ctx.state.log.error({ err: error }, "request failed");
      if (error instanceof TooManyRequests) ctx.set("Retry-After", String(error.retryAfterSeconds));
      return answer(ctx, status, error instanceof Refused ? [error.title, error.message] : undefined);
    }
    // The router says 404 and 405 by the status alone.
    if (ctx.status >= 400 && !ctx.body) await answer(ctx, ctx.status);
  };
}

function statusOf(error: unknown): number {
  if (isUnavailable(error)) return 503;
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  return status >= 400 && status < 600 ? status : 500;
}

async function answer(ctx: Context, status: number, reason?: Words): Promise<void> {
  const [title, message] = reason ?? words[status] ?? words[status < 500 ? 400 : 500]!;
  ctx.status = status;
  ctx.set("Cache-Control", "no-store");
  if (status === 503) ctx.set("Retry-After", String(retryAfterSeconds));

  if (wantsJson(ctx)) {
    ctx.body = { error: message };
    return;
  }
  const requestId = status >= 500 ? ctx.state.requestId : undefined;
  await page(ctx, "error", { title, message, retry: status === 503, requestId });
}
