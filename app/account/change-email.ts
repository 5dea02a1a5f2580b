import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { isOwnPassword, wrongPassword } from "../password/check-password.ts";
import type { Sql } from "../db/connect.ts";
import { normalizeEmail, problemWithEmail } from "../sign-up/email.ts";
import type { Context, CurrentUser, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import type { Passwords } from "../password/password.ts";
import { rememberAddress, rememberedAddress } from "../sign-up/sign-up-sent.ts";

type Problems = { email?: string; password?: string; form?: string };

const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

export function showChangeEmail(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** Two statements, because the password is checked between reading and writing. */
export function changeEmail(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { email: typed, password } = fields.parse(ctx.request.body);
    const show = (problems: Problems) => showForm(ctx, typed, problems);
    const email = normalizeEmail(typed);
    const refusePassword = () => refuse(ctx, { password: wrongPassword }, show);
    // Before the address is judged: a mistyped one must not count as a wrong password.
    if (!(await isOwnPassword(sql, passwords, ctx, password))) return refusePassword();
    const problem = problemWithEmail(email) ?? problemWithOwn(email, ctx.state.user);
    if (problem) return refuse(ctx, { email: problem }, show);
    if (!(await requestChange(sql, ctx, email))) return refusePassword();

    rememberAddress(ctx, email);
    accepted(ctx, "/account/email/sent");
  };
}

export function showChangeEmailSent(): Middleware {
  return (ctx) => page(ctx, "account/change-email-sent", { title: "Check your email", email: rememberedAddress(ctx) });
}

/**
 * Returns false if the password or the address has changed since the password was checked. The response is the same
 * if the address has a verified account, and its owner gets an email about that. An unverified account is ignored:
 * otherwise a stranger could keep the address from its owner.
 */
async function requestChange(sql: Sql, ctx: Context, email: string): Promise<boolean> {
  const { user } = ctx.state;
  const rows = await sql`
    with account as (
      select usr_id, email
      from usr
      where usr_id = ${user.usr_id} and version = ${user.version}
      for no key update
    ), taken as (
      select usr_id
      from usr
      join email_verified using (usr_id)
      where email = ${email}
    ), change as (
      insert into email_change (usr_id, old_email, new_email)
      select usr_id, email, ${email}
      from account
      where not exists (select from taken)
      returning usr_id, email_change_id
    ), new_task as (
      insert into task (task_type, params, unique_key)
      select
        'SEND_EMAIL_CONFIRM_ADDRESS',
        jsonb_build_object('email_change_id', email_change_id::text),
        -- One pending mail per account and address, of this version: another change makes a pending one void. A hash
        -- keeps the address out of the task.
        usr_id || ' ' || ${user.version}::int || ' ' || hashtextextended(${email}, 0)
      from change
      union all
      select 'SEND_EMAIL_ALREADY_REGISTERED', jsonb_build_object('usr_id', taken.usr_id::text), taken.usr_id::text
      from taken
      cross join account
      on conflict do nothing
    )
    select from account
  `;
  return rows.length === 1;
}

function problemWithOwn(email: string, user: CurrentUser): string | undefined {
  return email === user.email ? "This is already your email address." : undefined;
}

function showForm(ctx: Context, newEmail: string, problems: Problems): Promise<void> {
  const hasProblems = Object.values(problems).some(Boolean);
  const title = hasProblems ? "Error: Change your email address" : "Change your email address";
  return page(ctx, "account/change-email", { title, email: ctx.state.user.email, newEmail, problems });
}
