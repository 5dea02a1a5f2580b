import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { checkPassword, wrongPassword } from "../password/check-password.ts";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import type { Passwords } from "../password/password.ts";
import { clearSession } from "../log-in/session.ts";
import { forgive, refuseTooMany, sessionChecks } from "../http/throttle.ts";

type Problems = { password?: string; form?: string };

const fields = z.object({ password: z.string().catch("") });

export function showDeleteAccount(): Middleware {
  return (ctx) => showForm(ctx, {});
}

/** Two statements, because the password is checked between reading and writing. */
export function deleteAccount(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const show = (problems: Problems) => showForm(ctx, problems);
    const { password } = fields.parse(ctx.request.body);
    const { hash, retryAfterSeconds } = await checkPassword(sql, passwords, ctx, password);
    if (retryAfterSeconds) return refuseTooMany(ctx, retryAfterSeconds, show);
    if (!hash) return refuse(ctx, { password: wrongPassword }, show);

    // Sessions, links and changes of address go by cascade. The address is in the params: its row is gone by then.
    const gone = await sql`
      with forgiven as (
        ${forgive(sql, sessionChecks, ctx.state.user.session_id)}
      ), gone as (
        delete from usr
        -- Counted, so that the locks are taken in the order of all: session checks, user.
        where (select count(*) from forgiven) < 2
          and usr_id = ${ctx.state.user.usr_id} and password_hash = ${hash}
        returning usr_id, email
      ), unverified as (
        delete from email_verified
        using gone
        where email_verified.usr_id = gone.usr_id
      ), told as (
        insert into event (event_type, usr_id)
        select 'ACCOUNT_DELETED', usr_id from gone
      ), owed as (
        insert into task (task_type, params)
        select 'SEND_EMAIL_FAREWELL', jsonb_build_object('email', email)
        from gone
      )
      select from gone
    `;
    // Somebody was quicker with another password.
    if (gone.length === 0) return refuse(ctx, { password: wrongPassword }, show);
    clearSession(ctx);
    accepted(ctx, "/account/deleted");
  };
}

export function showAccountDeleted(): Middleware {
  return (ctx) => page(ctx, "account/account-deleted", { title: "Your account is gone" });
}

function showForm(ctx: Context, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Delete your account" : "Delete your account";
  return page(ctx, "account/delete-account", { title, email: ctx.state.user.email, problems });
}
