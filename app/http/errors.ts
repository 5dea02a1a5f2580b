import { isUnavailable } from "../db/connect.ts";
import { wantsJson, type Context, type Middleware } from "./context.ts";
import { errorPage } from "./page.ts";

type Text = [title: string, message: string];

const texts: Record<number, Text> = {
  400: ["Invalid request", "We could not read what your browser sent. Go back and try again."],
  401: ["Not logged in", "Log in, then try again."],
  403: ["Request refused", "The request came from another site, so we did nothing. Start again from our own page."],
  404: ["Page not found", "Check the address for typing mistakes."],
  405: ["Method not allowed", "This address does not accept this type of request."],
  408: ["Request timed out", "Your request did not arrive in time. Try again."],
  413: ["Request too large", "You sent more than we accept. Send less, then try again."],
  415: ["Unsupported format", "Send a form or JSON."],
  429: ["Too many requests", "You sent too many requests. Try again later."],
  500: ["Something went wrong", "The fault is ours, and we have recorded it. Try again later."],
  503: ["Service unavailable", "We cannot answer right now. Trying again is safe: we do nothing twice."],
};
const retryAfterSeconds = 5;

/** An error with its own text, for when the text of its status does not explain it. */
export class Refused extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, message: string) {
    super(message);
    this.status = status;
    this.title = title;
  }
}

/** Thrown when a rate limit is exceeded. */
export class TooManyRequests extends Refused {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    const minutes = Math.ceil(retryAfterSeconds / 60);
    super(429, "Too many attempts", `Wait ${minutes === 1 ? "a minute" : `${minutes} minutes`}, then try again.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Turns every error, and every error status of the router, into a page or JSON, whichever the client wants. */
export function respondToErrors(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const status = statusOf(error);
      if (status >= 500) ctx.state.log.error({ err: error }, "request failed");
      if (error instanceof TooManyRequests) ctx.set("Retry-After", String(error.retryAfterSeconds));
      return respond(ctx, status, error instanceof Refused ? [error.title, error.message] : undefined);
    }
    if (ctx.status >= 400 && !ctx.body) await respond(ctx, ctx.status);
  };
}

function statusOf(error: unknown): number {
  if (isUnavailable(error)) return 503;
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  return status >= 400 && status < 600 ? status : 500;
}

async function respond(ctx: Context, status: number, reason?: Text): Promise<void> {
  const [title, message] = reason ?? texts[status] ?? texts[status < 500 ? 400 : 500]!;
  ctx.status = status;
  ctx.set("Cache-Control", "no-store");
  if (status === 503) ctx.set("Retry-After", String(retryAfterSeconds));

  if (wantsJson(ctx)) {
    ctx.body = { error: message };
    return;
  }
  const requestId = status >= 500 ? ctx.state.requestId : undefined;
  await errorPage(ctx, { title, message, retry: status === 503, requestId });
}
