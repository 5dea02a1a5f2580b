import type { PendingQuery, Row } from "postgres";
import { readCookie, setCookie } from "../http/cookie.ts";
import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { hashToken, newToken } from "../token.ts";

const name = "browser";
/** The longest time for which browsers keep a cookie. */
const fourHundredDays = 400 * 24 * 3600;

/**
 * The token of this browser, or a new one if it has none. It names the browser, not the user: all who log in there share it.
 * It outlives the session, and alone it opens nothing.
 */
export function thisBrowser(ctx: Context): { token: string; hash: Buffer } {
  const token = readCookie(ctx, name);
  return /^[\w-]{43}$/.test(token) ? { token, hash: hashToken(token) } : newToken();
}

export function setKnownBrowser(ctx: Context, token: string): void {
  setCookie(ctx, name, token, fourHundredDays);
}

/** The body of a CTE that makes the browser known to an account; `owner` names one with `usr_id`. */
export function knowBrowser(sql: Sql, hash: Buffer, owner: PendingQuery<Row[]>) {
  return sql`
    insert into known_browser (token_hash, usr_id)
    select ${hash}, usr_id
    from ${owner}
    on conflict (token_hash, usr_id) do update set seen_at = now()
  `;
}
