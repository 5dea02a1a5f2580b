import type { TransactionSql } from "postgres";
import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, showExpiredLink, showAddressTaken } from "../http/responses.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { setSession } from "../log-in/session.ts";
import { hashToken, newToken } from "../token.ts";
import { takeAddress } from "./take-address.ts";

type Confirmation = { token: string; sessionHash: Buffer; browserHash: Buffer };

const fields = z.object({ token: z.string().catch("") });

/** The link in the mail to the new address. It needs a log-in too: a mistyped address belongs to a stranger. */
export function showConfirmEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const [change] = await sql<{ old_email: string; new_email: string }[]>`
      select old_email, new_email
      from email_token
      join email_change using (email_change_id)
      where token_hash = ${hashToken(token)} and purpose = 'change' and expires_at > now()
        and email_token.usr_id = ${ctx.state.user.usr_id} and usr_version = ${ctx.state.user.version}
    `;
    if (!change) return refuseLink(ctx);
    const { old_email: oldEmail, new_email: newEmail } = change;
    await page(ctx, "account/confirm-email", { title: "Confirm your new email address", token, oldEmail, newEmail });
  };
}

export function confirmEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    const session = newToken();
    const browser = thisBrowser(ctx);
    const confirmation = { token, sessionHash: session.hash, browserHash: browser.hash };
    const isMoved = await takeAddress(sql, token, (tx) => moveAccount(tx, ctx, confirmation));
    if (isMoved === "taken") return showAddressTaken(ctx);
    if (!isMoved) return refuseLink(ctx);
    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account?email-changed");
  };
}

/**
 * The raised version ends all other sessions and known browsers, and all mailed links but revert links. The session is locked,
 * because one that ends at this moment must not use the link.
 */
async function moveAccount(
  sql: Sql | TransactionSql,
  ctx: Context,
  { token, sessionHash, browserHash }: Confirmation,
): Promise<boolean> {
  const { usr_id, session_id, version } = ctx.state.user;
  const rows = await sql`
    with link as (
      select usr.usr_id, email_token.email, email_change_id
      from email_token
      join usr on usr.usr_id = email_token.usr_id and version = email_token.usr_version
      join session on session.usr_id = usr.usr_id
      where email_token.token_hash = ${hashToken(token)} and purpose = 'change' and email_token.expires_at > now()
        and usr.usr_id = ${usr_id} and version = ${version} and session_id = ${session_id}
      for update of usr, session
    ), account as (
      update usr
      set email = link.email, version = version + 1
      from link
      where usr.usr_id = link.usr_id
      returning usr.usr_id, usr.email, version, email_change_id
    ), renewed as (
      update session
      set token_hash = ${sessionHash}, usr_version = version
      from account
      where session_id = ${session_id}
    ), known as (
      ${knowBrowser(sql, browserHash)}
    ), cleared as (
      delete from log_in_failure
      using account
      where log_in_failure.email = account.email
    ), confirmed as (
      update email_change
      set confirmed_at = now()
      from account
      where email_change.email_change_id = account.email_change_id
    ), email_changed as (
      insert into event (event_type, usr_id)
      select 'EMAIL_CHANGED', usr_id from account
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_ADDRESS_CHANGED', ${mailParams(sql, ctx)} || jsonb_build_object('email_change_id', email_change_id::text) from account
    returning true
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  const hint = `You are logged in as ${ctx.state.user.email}. If you asked for this link from another account, log in to that account first.`;
  return showExpiredLink(ctx, { href: "/account/email", label: "Enter the new address again", hint });
}
