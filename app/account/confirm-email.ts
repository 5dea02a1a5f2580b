import { z } from "zod";
import { accepted, showDeadLink, showTaken } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import { orTaken } from "./email-taken.ts";
import type { Context, CurrentUser, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { sessionDigest, setSession } from "../log-in/session.ts";
import { hashToken, newToken } from "../token.ts";

const fields = z.object({ token: z.string().catch("") });

/**
 * The link in the mail to the new address. It needs a log-in, too: an address with a typo is a stranger's, and the link
 * alone must not hand the account to them.
 */
export function showConfirmEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const [change] = await sql<{ old_email: string; new_email: string }[]>`
      select old_email, new_email
      from email_token
      join email_change using (email_change_id)
      join usr on usr.usr_id = email_token.usr_id and usr.email = email_change.old_email
      where token_hash = ${hashToken(token)} and purpose = 'change' and expires_at > now()
        and usr.usr_id = ${ctx.state.user.usr_id}
    `;
    if (!change) return refuseLink(ctx);
    const { old_email: oldEmail, new_email: newEmail } = change;
    await page(ctx, "account/confirm-email", { title: "Is this your new address?", token, oldEmail, newEmail });
  };
}

export function confirmEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    const session = newToken();
    const moved = await orTaken(() => useToken(sql, ctx.state.user, token, session.hash));
    if (moved === "taken") return showTaken(ctx);
    if (!moved) return refuseLink(ctx);
    setSession(ctx, session.token);
    accepted(ctx, "/account?email-changed");
  };
}

/**
 * The owner's lock comes first, as everywhere. An account that holds the new address and never verified it gives way: who reads
 * the mail owns the address. Older links to other addresses end; a way back that was mailed before stays.
 */
async function useToken(sql: Sql, user: CurrentUser, token: string, sessionHash: Buffer): Promise<boolean> {
  const rows = await sql`
    with owner as (
      select usr.usr_id, email_change_id, new_email, ${sessionDigest(sql, sql`usr.email`)} as digest,
        ${sessionDigest(sql, sql`new_email`)} as new_digest
      from email_token
      join email_change using (email_change_id)
      join usr on usr.usr_id = email_token.usr_id and usr.email = email_change.old_email
      where token_hash = ${hashToken(token)} and purpose = 'change' and expires_at > now()
        and usr.usr_id = ${user.usr_id}
      for update of usr
    ), live as (
      -- Who has no session any more must not use up the link.
      select
      from session
      join owner using (usr_id)
      where session_id = ${user.session_id} and (password_digest is null or password_digest = digest)
      for update of session
    ), used as (
      delete from email_token
      using owner, live
      where token_hash = ${hashToken(token)} and email_token.usr_id = owner.usr_id
      returning owner.usr_id, owner.email_change_id, new_email, new_digest
    ), renewed as (
      update session
      set token_hash = ${sessionHash}, password_digest = new_digest
      from used
      where session_id = ${user.session_id} and session.usr_id = used.usr_id
      returning used.usr_id, email_change_id, new_email
    ), squatter as (
      delete from usr
      using renewed
      where email = new_email
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
      returning usr.usr_id, email
    ), moved as (
      update usr
      set email = new_email
      from renewed
      -- Counted, so that the squatter is gone before its address is taken.
      where usr.usr_id = renewed.usr_id and (select count(*) from squatter) < 2
      returning usr.usr_id, renewed.email_change_id, new_email
    ), unstopped as (
      delete from email_suppression
      using moved
      where email_suppression.email = mailbox_of(new_email)
    ), cleared as (
      delete from log_in_failure
      using moved
      where log_in_failure.email = new_email
    ), confirmed as (
      update email_change
      set confirmed_at = now()
      from moved
      where email_change.email_change_id = moved.email_change_id
    ), dropped as (
      delete from email_change
      using moved
      where email_change.usr_id = moved.usr_id and confirmed_at is null
        and email_change.email_change_id <> moved.email_change_id
    ), ended as (
      delete from session
      using moved
      where session.usr_id = moved.usr_id and session_id <> ${user.session_id}
    ), spent as (
      delete from email_token
      using moved
      where email_token.usr_id = moved.usr_id and purpose <> 'revert' and token_hash <> ${hashToken(token)}
    ), told as (
      insert into event (event_type, usr_id, data)
      select 'ACCOUNT_DELETED', usr_id, '{"because": "gave way"}'::jsonb from squatter
      union all
      select 'EMAIL_CHANGED', usr_id, '{}' from moved
    ), owed as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_ADDRESS_CHANGED', jsonb_build_object('email_change_id', email_change_id::text)
      from moved
    )
    select from moved
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  const hint = `You are logged in as ${ctx.state.user.email}. A link that another account asked for works only there.`;
  return showDeadLink(ctx, { href: "/account/email", label: "Enter the new address again", hint });
}
