import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { refuseEnded } from "../log-in/session.ts";
import type { Sql } from "../db/connect.ts";
import { normalizeEmail, problemWithEmail } from "../sign-up/email.ts";
import type { Context, CurrentUser, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { rememberAddress, rememberedAddress } from "../sign-up/sign-up-sent.ts";

type Problems = { email?: string };

const fields = z.object({ email: z.string().catch("") });

export function showChangeEmail(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

export function changeEmail(sql: Sql): Middleware {
  return async (ctx) => {
    const { email: typed } = fields.parse(ctx.request.body);
    const email = normalizeEmail(typed);
    const problem = problemWithEmail(email) ?? problemWithOwn(email, ctx.state.user);
    if (problem) return refuse(ctx, { email: problem }, (problems) => showForm(ctx, typed, problems));
    if (!(await requestChange(sql, ctx, email))) return refuseEnded(ctx);

    rememberAddress(ctx, email);
    accepted(ctx, "/account/email/sent");
  };
}

export function showChangeEmailSent(): Middleware {
  return (ctx) => page(ctx, "account/change-email-sent", { title: "Check your email", email: rememberedAddress(ctx) });
}

/**
 * Returns false if the password or the address has changed since the session was found. The response is the same
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
        jsonb_build_object('email_change_id', email_change_id::text, 'version', ${user.version}::int),
        -- One pending mail per account and address, of this version: another change makes a pending one void. A hash
        -- keeps the address out of the task.
        usr_id || ' ' || ${user.version}::int || ' ' || hashtextextended(${email}, 0)
      from change
      union all
      select 'SEND_EMAIL_ALREADY_REGISTERED', jsonb_build_object('usr_id', taken.usr_id::text), taken.usr_id::text
      from taken
      cross join account
      union all
      -- Also when the address is taken: otherwise its absence would tell that.
      select
        'SEND_EMAIL_ADDRESS_CHANGE_REQUESTED',
        ${mailParams(sql, ctx)} || jsonb_build_object('version', ${user.version}::int),
        usr_id::text
      from account
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
  const title = problems.email ? "Error: Change your email address" : "Change your email address";
  return page(ctx, "account/change-email", { title, email: ctx.state.user.email, newEmail, problems });
}
