import type { TransactionSql } from "postgres";
import type { Sql } from "../db/connect.ts";
import { readCookie, setCookie, type Context } from "../http/context.ts";
import { clientNetwork } from "../http/rate-limit.ts";
import { hashToken, newToken } from "../token.ts";
import { mailParams } from "./mail-cause.ts";

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

/**
 * Enqueues a mail to the owner when the CTE `account` (`usr_id`, `version`) logs in from a browser that is not known. The one
 * that verified the address or chose a new password is known. One mail is pending for each network: a form that is sent
 * twice causes one mail, and a log-in from elsewhere cannot hide behind it.
 */
export const noticeNewBrowser = (sql: Sql, ctx: Context, hash: Buffer) => sql`
  insert into task (task_type, params, unique_key)
  select
    'SEND_EMAIL_NEW_BROWSER',
    ${mailParams(sql, ctx)} || jsonb_build_object('version', version),
    usr_id || ' ' || hashtextextended(${clientNetwork(ctx.ip)}, 0)
  from account
  where not exists (
    select
    from known_browser
    where token_hash = ${hash} and known_browser.usr_id = account.usr_id and usr_version = version
  )
  on conflict do nothing
`;
