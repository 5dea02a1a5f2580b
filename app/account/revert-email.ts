import { z } from "zod";
import { accepted, showDeadLink, showTaken } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import { orTaken } from "./email-taken.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import type { Passwords } from "../password/password.ts";
import { hashToken, newToken } from "../token.ts";

const fields = z.object({ token: z.string().catch("") });

/** The link in the mail to the old address. It needs no log-in: whoever took the account may have locked its owner out. */
export function showRevertEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const change = await findChange(sql, token);
    if (!change) return refuseLink(ctx);
    await page(ctx, "account/revert-email", { title: "Take your account back?", token, oldEmail: change.email });
  };
}

/** Two statements: a link of no use costs no hash. */
export function revertEmail(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    if (!(await findChange(sql, token))) return refuseLink(ctx);

    // Whoever moved the account knows its password: from now on it has one that nobody knows.
    const passwordHash = await passwords.hash(newToken().token, ctx.state.deadline);
    const reverted = await orTaken(() => useToken(sql, token, passwordHash));
    if (reverted === "taken") return showTaken(ctx);
    if (!reverted) return refuseLink(ctx);
    accepted(ctx, "/account/email/reverted");
  };
}

export function showEmailReverted(): Middleware {
  return (ctx) => page(ctx, "account/email-reverted", { title: "Your account is yours again" });
}

/** Not bound to the account's address of now: two changes in a row would cut the way back. */
async function findChange(sql: Sql, token: string) {
  const [change] = await sql<{ email: string }[]>`
    select email_token.email
    from email_token
    join usr on usr.usr_id = email_token.usr_id and usr.email <> email_token.email
    where token_hash = ${hashToken(token)} and purpose = 'revert' and expires_at > now()
  `;
  return change;
}

/**
 * The owner's lock comes first, as everywhere. With the change go all later ones, and by cascade the links that they sent;
 * the way back to a still older address stays. An account that took the address meanwhile and never verified it gives way.
 */
async function useToken(sql: Sql, token: string, passwordHash: string): Promise<boolean> {
  const rows = await sql`
    with owner as (
      select usr.usr_id
      from email_token
      join usr on usr.usr_id = email_token.usr_id and usr.email <> email_token.email
      where token_hash = ${hashToken(token)} and purpose = 'revert' and expires_at > now()
      for update of usr
    ), used as (
      delete from email_token
      using owner
      where token_hash = ${hashToken(token)} and email_token.usr_id = owner.usr_id
      returning email_token.usr_id, email_token.email, email_change_id
    ), squatter as (
      delete from usr
      using used
      where usr.email = used.email
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
      returning usr.usr_id, usr.email
    ), moved as (
      update usr
      set email = used.email, password_hash = ${passwordHash}
      from used
      -- Counted, so that the squatter is gone before its address is taken.
      where usr.usr_id = used.usr_id and (select count(*) from squatter) < 2
      returning usr.usr_id, usr.email, email_change_id
    ), unstopped as (
      delete from email_suppression
      using moved
      where email_suppression.email = mailbox_of(moved.email)
    ), undone as (
      delete from email_change
      using moved
      where email_change.usr_id = moved.usr_id
        and (email_change.email_change_id >= moved.email_change_id or confirmed_at is null)
    ), ended as (
      delete from session
      using moved
      where session.usr_id = moved.usr_id
    ), spent as (
      delete from email_token
      using moved
      where email_token.usr_id = moved.usr_id and purpose <> 'revert'
    ), told as (
      insert into event (event_type, usr_id, data)
      select 'ACCOUNT_DELETED', usr_id, '{"because": "gave way"}'::jsonb from squatter
      union all
      select 'EMAIL_CHANGED', usr_id, '{"because": "reverted"}' from moved
    ), owed as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_PASSWORD_RESET', jsonb_build_object('usr_id', usr_id::text)
      from moved
    )
    select from moved
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  return showDeadLink(ctx, { href: "/password/forgot", label: "Choose a new password" });
}
