import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { clearSession } from "../log-in/session.ts";
import { isOwnPassword, wrongPassword } from "../password/check-password.ts";
import type { Passwords } from "../password/password.ts";

type Problems = { password?: string };

const fields = z.object({ password: z.string().catch("") });

export function showDeleteAccount(): Middleware {
  return (ctx) => showForm(ctx, {});
}

export function deleteAccount(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { password } = fields.parse(ctx.request.body);
    const isDeleted = (await isOwnPassword(sql, passwords, ctx, password)) && (await deleteUser(sql, ctx));
    if (!isDeleted) return refuse(ctx, { password: wrongPassword }, (problems) => showForm(ctx, problems));
    clearSession(ctx);
    accepted(ctx, "/account/deleted");
  };
}

/** Sessions, links and changes of address go by cascade. The task holds the address, because the user is gone. */
async function deleteUser(sql: Sql, ctx: Context): Promise<boolean> {
  const { usr_id, version } = ctx.state.user;
  const rows = await sql`
    with deleted as (
      delete from usr
      where usr_id = ${usr_id} and version = ${version}
      returning usr_id, email
    ), verified as (
      delete from email_verified
      using deleted
      where email_verified.usr_id = deleted.usr_id
    ), account_deleted as (
      insert into event (event_type, usr_id)
      select 'ACCOUNT_DELETED', usr_id from deleted
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_FAREWELL', jsonb_build_object('email', email)
    from deleted
    returning true
  `;
  return rows.length === 1;
}

export function showAccountDeleted(): Middleware {
  return (ctx) => page(ctx, "account/account-deleted", { title: "Account deleted" });
}

function showForm(ctx: Context, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Delete your account" : "Delete your account";
  return page(ctx, "account/delete-account", { title, email: ctx.state.user.email, problems });
}
