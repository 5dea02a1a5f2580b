import { plainAddress } from "../http/rate-limit.ts";
import type { Sql } from "../db/connect.ts";
import { readCookie, setCookie, wantsJson, type Context, type CurrentUser, type Middleware } from "../http/context.ts";
import { hashToken, newToken } from "../token.ts";

export type NewSession = { token: string; hash: Buffer; browser: string; address: string };

const name = "session";
const thirtyDays = 30 * 24 * 3600;

/** A new session: its token, and its description on the account page. */
export function newSession(ctx: Context): NewSession {
  const browser = ctx.get("User-Agent").replace(/[^ -~]/g, "");
  return { ...newToken(), browser: browser.slice(0, 200), address: plainAddress(ctx.ip).slice(0, 100) };
}

/** Begins a session for the CTE `account` (`usr_id`, `version`) of the statement around it. */
export const beginSession = (sql: Sql, { hash, browser, address }: NewSession) => sql`
  insert into session (token_hash, usr_id, usr_version, browser, address)
  select ${hash}, usr_id, version, ${browser}, ${address}
  from account
`;

export function setSession(ctx: Context, token: string, maxAgeSeconds = thirtyDays): void {
  setCookie(ctx, name, token, maxAgeSeconds);
}

export function clearSession(ctx: Context): void {
  setCookie(ctx, name, "", 0);
}

/** Hash of the session token that the browser sent. Without one, a hash that no session has. */
export function sessionHash(ctx: Context): Buffer {
  return hashToken(readCookie(ctx, name));
}

/** A condition: whether a `session`, joined with its `usr`, still counts. */
export const isAlive = (sql: Sql) => sql`
  session.expires_at > now() and failed_proofs < 50
  and session.created_at > now() - interval '90 days'
  and (usr_version is null or usr_version = version)
`;

/** Lets every page say who is logged in. A browser without a session costs no statement. */
export function offerUser(sql: Sql): Middleware {
  return (ctx, next) => {
    if (readCookie(ctx, name)) ctx.state.findUser = () => findCurrentUser(sql, ctx);
    return next();
  };
}

/** Sets `ctx.state.user`. Sends a browser without a session to log in (JSON: 401). */
export function requireLogin(sql: Sql, otherwise?: string): Middleware {
  return async (ctx, next) => {
    if (!(await findCurrentUser(sql, ctx))) return refuse(ctx, otherwise ?? (readCookie(ctx, name) ? ended : "/login"));
    await next();
  };
}

/**
 * Reads the session and its user. A session lasts 30 days from its last use, at most 90 days in all. A use is recorded
 * at most once a day.
 * @public Modules use it.
 */
export async function findCurrentUser(sql: Sql, ctx: Context): Promise<CurrentUser | undefined> {
  const [found] = await sql<(CurrentUser & { renewed_seconds: number | null })[]>`
    with found as (
      select
        token_hash, session_id, usr_id, email, version,
        proved_at > now() - interval '15 minutes' as is_proved,
        seen_at < now() - interval '1 day' as is_due
      from session
      join usr using (usr_id)
      where token_hash = ${sessionHash(ctx)} and ${isAlive(sql)}
    ), renewed as (
      update session
      set seen_at = now(), expires_at = least(now() + interval '30 days', created_at + interval '90 days')
      from found
      where session.token_hash = found.token_hash and is_due
      returning extract(epoch from expires_at - now())::int as seconds
    )
    select usr_id, email, version, session_id, is_proved, (select seconds from renewed) as renewed_seconds
    from found
  `;
  if (!found) return undefined;

  const { renewed_seconds, ...user } = found;
  if (renewed_seconds) setSession(ctx, readCookie(ctx, name), renewed_seconds);
  ctx.state.user = user;
  return ctx.state.user;
}

const ended = "/login?ended";

/** For a session that has ended since it was found: its statement found another version of the user, or none. */
export function refuseEnded(ctx: Context): void {
  refuse(ctx, ended);
}

function refuse(ctx: Context, path: string): void {
  if (wantsJson(ctx)) ctx.throw(401);
  ctx.status = 303;
  ctx.redirect(path);
}
