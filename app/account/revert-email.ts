import type { TransactionSql } from "postgres";
import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, showExpiredLink, showAddressTaken } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import type { Passwords } from "../password/password.ts";
import { hashToken, newToken } from "../token.ts";
import { takeAddress } from "./take-address.ts";

const fields = z.object({ token: z.string().catch("") });

/** The link in the mail to the old address. It needs no log-in: a thief may have locked the owner out. */
export function showRevertEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const link = await findLink(sql, token);
    if (!link) return refuseLink(ctx);
    await page(ctx, "account/revert-email", { title: "Restore your email address", token, oldEmail: link.email });
  };
}

/** Two statements: an expired or used link costs no hash. */
export function revertEmail(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    if (!(await findLink(sql, token))) return refuseLink(ctx);

    // A thief who moved the account knows its password, so replace it with a random one.
    const passwordHash = await passwords.hash(newToken().token, ctx.state.deadline);
    const isReverted = await takeAddress(sql, token, (tx) => moveBack(tx, ctx, token, passwordHash));
    if (isReverted === "taken") return showAddressTaken(ctx);
    if (!isReverted) return refuseLink(ctx);
    accepted(ctx, "/account/email/reverted");
  };
}

export function showEmailReverted(): Middleware {
  return (ctx) => page(ctx, "account/email-reverted", { title: "Your email address is restored" });
}

/** Ignores the version: otherwise a thief could end the link by another change. */
async function findLink(sql: Sql, token: string) {
  const [link] = await sql<{ email: string }[]>`
    select email_token.email
    from email_token
    join usr on usr.usr_id = email_token.usr_id and usr.email <> email_token.email
    where token_hash = ${hashToken(token)} and purpose = 'revert' and expires_at > now()
  `;
  return link;
}

/**
 * Deletes the change and all later ones. Their revert links, this one included, go by cascade. Links to older
 * addresses stay.
 */
async function moveBack(
  sql: Sql | TransactionSql,
  ctx: Context,
  token: string,
  passwordHash: string,
): Promise<boolean> {
  const rows = await sql`
    with link as (
      select usr.usr_id, email_token.email, email_change_id
      from email_token
      join usr on usr.usr_id = email_token.usr_id and usr.email <> email_token.email
      where token_hash = ${hashToken(token)} and purpose = 'revert' and expires_at > now()
      -- Lock the user first. If a revert to an older address commits during the wait, this link is gone.
      for update of usr, email_token
    ), account as (
      update usr
      set email = link.email, password_hash = ${passwordHash}, version = version + 1
      from link
      where usr.usr_id = link.usr_id
      returning usr.usr_id, email_change_id
    ), undone as (
      delete from email_change
      using account
      where email_change.usr_id = account.usr_id
        and (email_change.email_change_id >= account.email_change_id or confirmed_at is null)
    ), email_changed as (
      insert into event (event_type, usr_id, data)
      select 'EMAIL_CHANGED', usr_id, '{"because": "reverted"}' from account
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_PASSWORD_RESET', ${mailParams(sql, ctx)} || '{"because": "reverted"}'
    from account
    returning true
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  return showExpiredLink(ctx, { href: "/password/forgot", label: "Choose a new password" });
}
