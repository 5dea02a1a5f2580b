import type Koa from "koa";
import type { Log } from "../log.ts";

export type CurrentUser = { usr_id: string; email: string; session_id: string; is_operator: boolean };

export type State = {
  /** Public origin of the site, e.g. `https://example.com`. */
  origin: string;
  /** Each line carries the request's id. */
  log: Log;
  requestId: string;
  /** Aborted when the request has taken too long and was answered 503. */
  deadline: AbortSignal;
  /** Set by `requireLogin` and `requireOperator`. */
  user: CurrentUser;
};

export type Middleware = Koa.Middleware<State>;
export type Context = Koa.ParameterizedContext<State>;

/** Whether the client wants JSON: it sends JSON, or sends no form and prefers JSON. */
export function wantsJson(ctx: Context): boolean {
  if (mediaType(ctx) === "application/x-www-form-urlencoded") return false;
  return mediaType(ctx) === "application/json" || ctx.accepts("html", "json") === "json";
}

/** The media type of the request's body: lower case, without parameters. */
export function mediaType(ctx: Context): string {
  return ctx.request.type.toLowerCase();
}
