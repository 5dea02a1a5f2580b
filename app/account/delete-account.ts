import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { clearSession, refuseEnded } from "../log-in/session.ts";

export function showDeleteAccount(): Middleware {
  return (ctx) => page(ctx, "account/delete-account", { title: "Delete your account" });
}

export function deleteAccount(sql: Sql): Middleware {
  return async (ctx) => {
    if (!(await deleteUser(sql, ctx))) return refuseEnded(ctx);
    clearSession(ctx);
    accepted(ctx, "/account/deleted");
  };
}

/** Sessions, links and changes of address go by cascade. The task holds the address, because the user is gone. */
async function deleteUser(sql: Sql, ctx: Context): Promise<boolean> {
  const { usr_id, version } = ctx.state.user;
  const rows = await sql`
    with account as (
      delete from usr
      where usr_id = ${usr_id} and version = ${version}
      returning usr_id, email
    ), verified as (
      delete from email_verified
      using account
      where email_verified.usr_id = account.usr_id
    ), former_causes as (
      delete from mail_cause
      using account
      where mail_cause.usr_id = account.usr_id
    ), account_deleted as (
      insert into event (event_type, usr_id)
      select 'ACCOUNT_DELETED', usr_id from account
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_FAREWELL', ${mailParams(sql, ctx)} || jsonb_build_object('email', email)
    from account
    returning true
  `;
  return rows.length === 1;
}

export function showAccountDeleted(): Middleware {
  return (ctx) => page(ctx, "account/account-deleted", { title: "Account deleted" });
}
