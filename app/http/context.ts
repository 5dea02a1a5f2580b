import type Koa from "koa";
import type { Log } from "../log.ts";

/** Who is logged in. */
export type CurrentUser = { usr_id: string; email: string; session_id: string; is_operator: boolean };

export type State = {
  /** Public origin of the site, e.g. `https://example.com`. */
  origin: string;
  /** Carries the request's id. */
  log: Log;
  requestId: string;
  /** Aborted when the request has taken too long and was answered 503. */
  deadline: AbortSignal;
  /** Set by `requireLogin` and `requireOperator`. */
  user: CurrentUser;
};

export type Middleware = Koa.Middleware<State>;
export type Context = Koa.ParameterizedContext<State>;

/** Whether the client asked for JSON: by what it sends, else by what it accepts. */
export function wantsJson(ctx: Context): boolean {
  if (mediaType(ctx) === "application/x-www-form-urlencoded") return false;
  return mediaType(ctx) === "application/json" || ctx.accepts("html", "json") === "json";
}

/** Of the request's body: lower case, without parameters. */
export function mediaType(ctx: Context): string {
  return ctx.request.type.toLowerCase();
}
