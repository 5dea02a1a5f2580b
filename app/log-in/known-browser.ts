import type { TransactionSql } from "postgres";
import type { Sql } from "../db/connect.ts";
import { readCookie, setCookie, type Context } from "../http/context.ts";
import { hashToken, newToken } from "../token.ts";

const name = "browser";
/** The longest time for which browsers keep a cookie. */
const fourHundredDays = 400 * 24 * 3600;

/**
 * The token of this browser, or a new one if it has none. It names the browser, not the user: all who log in there
 * share it. It outlives the session. Alone it gives no access.
 */
export function thisBrowser(ctx: Context): { token: string; hash: Buffer } {
  const token = readCookie(ctx, name);
  return /^[\w-]{43}$/.test(token) ? { token, hash: hashToken(token) } : newToken();
}

export function setKnownBrowser(ctx: Context, token: string): void {
  setCookie(ctx, name, token, fourHundredDays);
}

/**
 * Makes the browser known to the CTE `account` (`usr_id`, `version`) of the statement around it. A log-in that waits for the row
 * has read an older version than the change that it waits for.
 */
export const knowBrowser = (sql: Sql | TransactionSql, hash: Buffer) => sql`
  insert into known_browser (token_hash, usr_id, usr_version)
  select ${hash}, usr_id, version from account
  on conflict (token_hash, usr_id) do update
    set usr_version = greatest(known_browser.usr_version, excluded.usr_version), seen_at = now()
`;
