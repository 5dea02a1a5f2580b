import type Koa from "koa";
import type { Log } from "../log.ts";
import type { Visitor } from "../log-in/session.ts";

export type State = {
  /** Carries the request's id. */
  log: Log;
  requestId: string;
  /** Aborted when the visitor has been told that it took too long. */
  deadline: AbortSignal;
  /** Who is logged in: behind `requireSession` alone. */
  visitor: Visitor;
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
