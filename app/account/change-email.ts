import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { checkPassword, wrongPassword } from "../password/check-password.ts";
import { clientNetwork } from "../http/client-network.ts";
import type { Sql } from "../db/connect.ts";
import { normaliseEmail, problemWithEmail } from "../sign-up/email.ts";
import { wantsJson, type Context, type CurrentUser, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import type { Passwords } from "../password/password.ts";
import { rememberAddress, rememberedAddress } from "../sign-up/sign-up-sent.ts";
import { count, forgive, mails, refuseTooMany, resends, secondsUntil, sessionChecks } from "../http/throttle.ts";

type Problems = { email?: string; password?: string; form?: string };
type Asked = { has_asked: boolean; retry_after_seconds: number | null };

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
    const email = normaliseEmail(typed);
    const problem = problemWithEmail(email) ?? problemWithOwn(email, ctx.state.user);
    if (problem) return refuse(ctx, { email: problem }, show);

    const { hash, retryAfterSeconds } = await checkPassword(sql, passwords, ctx, password);
    if (retryAfterSeconds) return refuseTooMany(ctx, retryAfterSeconds, show);
    if (!hash) return refuse(ctx, { password: wrongPassword }, show);
    const { has_asked, retry_after_seconds } = await ask(sql, ctx, hash, email);
    if (retry_after_seconds) return refuseTooMany(ctx, retry_after_seconds, show);
    if (!has_asked) return refuse(ctx, { password: wrongPassword }, show);
    if (!wantsJson(ctx)) rememberAddress(ctx, email);
    accepted(ctx, "/account/email/sent");
  };
}

export function showChangeEmailSent(): Middleware {
  return (ctx) =>
    page(ctx, "account/change-email-sent", { title: "Check the new inbox", email: rememberedAddress(ctx) });
}

/**
 * The answer does not tell whether the address has an account: its owner is told by mail. One that never verified the address
 * does not count, or anybody could keep others from it. Nothing is mailed to who wants no mail, or had enough.
 */
async function ask(sql: Sql, ctx: Context, hash: string, email: string): Promise<Asked> {
  const { user } = ctx.state;
  const [asked] = await sql<Asked[]>`
    with client as (
      ${count(sql, resends, clientNetwork(ctx.ip))}
    ), address as (
      ${count(sql, mails, sql`mailbox_of(${email})`, sql`from client where not is_over`)}
    ), forgiven as (
      ${forgive(sql, sessionChecks, user.session_id)}
    ), owner as (
      select usr_id, email, not is_over and not exists (
        select from email_suppression where email_suppression.email = mailbox_of(${email}) and email_suppression.ends_at > now()
      ) as may_mail
      from address
      cross join usr
      -- Counted, so that the locks are taken in the order of all: session checks, user.
      where (select count(*) from forgiven) < 2
        and usr_id = ${user.usr_id} and password_hash = ${hash}
      for no key update of usr
    ), taken as (
      select usr_id
      from usr
      join email_verified using (usr_id)
      where email = ${email}
    ), change as (
      insert into email_change (usr_id, old_email, new_email)
      select usr_id, email, ${email}
      from owner
      where may_mail and not exists (select from taken)
      returning email_change_id
    ), owed as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_CONFIRM_ADDRESS', jsonb_build_object('email_change_id', email_change_id::text)
      from change
      union all
      select 'SEND_EMAIL_ALREADY_REGISTERED', jsonb_build_object('usr_id', taken.usr_id::text)
      from taken
      join owner on may_mail
    )
    select
      exists (select from owner) as has_asked,
      case when is_over then ${secondsUntil(sql, sql`ends_at`)} end as retry_after_seconds
    from client
  `;
  return asked!;
}

function problemWithOwn(email: string, user: CurrentUser): string | undefined {
  return email === user.email ? "This is your address already." : undefined;
}

function showForm(ctx: Context, newEmail: string, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean)
    ? "Error: Change your e-mail address"
    : "Change your e-mail address";
  return page(ctx, "account/change-email", { title, email: ctx.state.user.email, newEmail, problems });
}
