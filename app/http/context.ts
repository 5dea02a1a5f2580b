import type Koa from "koa";
import type { Log } from "../log.ts";

/** The current user. `version` rises when the password or the address changes: a fence for later statements. */
export type CurrentUser = { usr_id: string; email: string; version: number; session_id: string; links: Link[] };

/** A link in the navigation. `links` of a user are those that modules add. */
export type Link = [href: string, label: string];

export type State = {
  /** Public origin of the site, e.g. `https://example.com`. */
  origin: string;
  /** Each line carries the request's id. */
  log: Log;
  requestId: string;
  /** Aborted when the request takes too long and gets 503. */
  deadline: AbortSignal;
  /** Set by `requireLogin`. */
  user: CurrentUser;
  /** Finds the current user on a page that needs no log-in, by one statement. Missing without a session cookie. */
  findUser?: () => Promise<CurrentUser | undefined>;
  findLinks: (user: Pick<CurrentUser, "usr_id">) => Promise<Link[]>;
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
