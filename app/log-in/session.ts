import type { PendingQuery, Row } from "postgres";
import { plainAddress } from "../http/client-network.ts";
import { readCookie, setCookie } from "../http/cookie.ts";
import type { Sql } from "../db/connect.ts";
import { wantsJson, type Context, type CurrentUser, type Middleware } from "../http/context.ts";
import { hashToken, newToken } from "../token.ts";

export type NewSession = { token: string; hash: Buffer; browser: string; address: string };

const name = "session";
const thirtyDays = 30 * 24 * 3600;

/** A session that is to begin: its token, and what its owner will know it by. */
export function newSession(ctx: Context): NewSession {
  const browser = ctx.get("User-Agent").replace(/[^ -~]/g, "");
  return { ...newToken(), browser: browser.slice(0, 200), address: plainAddress(ctx.ip).slice(0, 100) };
}

/**
 * An expression, stored as `password_digest`: a session ends with the address and the password under which it began. A statement
 * that changes them deletes the sessions that it sees; one that begins in the same moment it does not see.
 */
export const sessionDigest = (sql: Sql, email = sql`email`, hash = sql`password_hash`) =>
  sql`sha256(convert_to(${email} || ' ' || ${hash}, 'UTF8'))`;

/** The body of a CTE that begins a session; `owner` names one with `usr_id`, and `email` and `password_hash` of now. */
export function beginSession(sql: Sql, { hash, browser, address }: NewSession, owner: PendingQuery<Row[]>) {
  return sql`
    insert into session (token_hash, usr_id, password_digest, browser, address)
    select ${hash}, usr_id, ${sessionDigest(sql)}, ${browser}, ${address}
    from ${owner}
  `;
}

export function setSession(ctx: Context, token: string, maxAgeSeconds = thirtyDays): void {
  setCookie(ctx, name, token, maxAgeSeconds);
}

export function clearSession(ctx: Context): void {
  setCookie(ctx, name, "", 0);
}

/** Hash of the session token that the browser sent; of no session when it sent none. */
export function sessionHash(ctx: Context): Buffer {
  return hashToken(readCookie(ctx, name));
}

/** Whether a `session`, joined with its `usr`, still counts. */
export const isAlive = (sql: Sql) => sql`
  session.expires_at > now()
  and session.created_at > now() - interval '90 days'
  and (password_digest is null or password_digest = ${sessionDigest(sql)})
`;

/** Lets those pass who are logged in, as `ctx.state.user`; sends others to log in (JSON: 401). */
export function requireLogin(sql: Sql, otherwise?: string): Middleware {
  return async (ctx, next) => {
    if (!(await recognise(sql, ctx)))
      return refuse(ctx, otherwise ?? (readCookie(ctx, name) ? "/login?ended" : "/login"));
    await next();
  };
}

/** Lets operators pass, as `ctx.state.user`. To anybody else, logged in or not, there is no such page. */
export function requireOperator(sql: Sql): Middleware {
  return async (ctx, next) => {
    if (!(await recognise(sql, ctx))?.is_operator) ctx.throw(404);
    await next();
  };
}

/**
 * Finds out who is logged in, for `ctx.state.user`.
 * A session that is used goes on for 30 days, 90 at most in all; that is written down at most once a day.
 */
async function recognise(sql: Sql, ctx: Context): Promise<CurrentUser | undefined> {
  const [found] = await sql<(CurrentUser & { renewed_seconds: number | null })[]>`
    with found as (
      select token_hash, session_id, usr_id, email, seen_at < now() - interval '1 day' as is_due
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
    select
      usr_id, email, session_id, (select seconds from renewed) as renewed_seconds,
      exists (select from operator where operator.usr_id = found.usr_id) as is_operator
    from found
  `;
  if (!found) return undefined;

  const { renewed_seconds, ...user } = found;
  if (renewed_seconds) setSession(ctx, readCookie(ctx, name), renewed_seconds);
  ctx.state.user = user;
  return user;
}

function refuse(ctx: Context, path: string): void {
  if (wantsJson(ctx)) ctx.throw(401);
  ctx.status = 303;
  ctx.redirect(path);
}
