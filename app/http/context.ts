import type Koa from "koa";
import type { Log } from "../log.ts";

export type CurrentUser = {
  usr_id: string;
  email: string;
  /** Rises when the password or the address changes: a fence for later statements. */
  version: number;
  session_id: string;
  /** The session has a proof from the last 15 minutes, by the clock of the database. */
  is_proved: boolean;
};

/** A link in the navigation. */
export type Link = [href: string, label: string];

/** The pages to which modules may add a part, by their view. */
export type PageWithSlot = "account/account" | "log-in/log-in" | "log-in/proof";

/** A part that a module adds to a page: its view, and what that needs besides the page's own data. */
export type Part = { view: string; read?: (ctx: Context) => Promise<object> };

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
  /** The session's password was entered again, or the log-in succeeded. */
  isPasswordRight?: boolean;
  /** Finds the links that modules add for a user. Only a page asks. */
  findLinks: (user: CurrentUser) => Promise<Link[]>;
  /** Finds the data that modules hold about a user. */
  findData: (user: CurrentUser) => Promise<Record<string, unknown>>;
  /** How the events of modules read on the account page, by type. */
  eventWords: Map<string, string>;
  /** The parts that modules add to a page. */
  partsOf: (view: string) => Part[];
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

/** Sets a cookie that no script can read and, under an https origin, no other host can set (`__Host-`, Secure). */
export function setCookie(ctx: Context, name: string, value: string, maxAgeSeconds: number): void {
  const isHttps = ctx.state.origin.startsWith("https:");
  // Otherwise Koa refuses a secure cookie where TLS ends at a proxy.
  ctx.cookies.secure = isHttps;
  ctx.cookies.set(fullName(ctx, name), value, {
    httpOnly: true,
    sameSite: "lax",
    secure: isHttps,
    maxAge: maxAgeSeconds * 1000,
    overwrite: true,
  });
}

/** The cookie's value, or an empty string. */
export function readCookie(ctx: Context, name: string): string {
  return ctx.cookies.get(fullName(ctx, name)) ?? "";
}

function fullName(ctx: Context, name: string): string {
  return ctx.state.origin.startsWith("https:") ? `__Host-${name}` : name;
}
