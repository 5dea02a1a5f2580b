import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { clientNetwork } from "../http/client-network.ts";
import type { Sql } from "../db/connect.ts";
import { normaliseEmail, problemWithEmail } from "../sign-up/email.ts";
import { wantsJson, type Context, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { rememberAddress, rememberedAddress } from "../sign-up/sign-up-sent.ts";
import { count, forgottenPasswords, refuseTooMany, resetMails, secondsUntil } from "../http/throttle.ts";

type Problems = { email?: string; form?: string };

const fields = z.object({ email: z.string().catch("") });

export function showForgotPassword(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** The same answer, the same writes and the same time for any address: for one that is nobody's, the mail is owed to user 0. */
export function forgotPassword(sql: Sql): Middleware {
  return async (ctx) => {
    const typed = fields.parse(ctx.request.body).email;
    const show = (problems: Problems) => showForm(ctx, typed, problems);
    const email = normaliseEmail(typed);
    const problem = problemWithEmail(email);
    if (problem) return refuse(ctx, { email: problem }, show);

    const [over] = await sql<{ retry_after_seconds: number }[]>`
      with client as (
        ${count(sql, forgottenPasswords, clientNetwork(ctx.ip))}
      ), nearest as materialized (
        -- The next row in the order of the index, whosever it is: a row is read for an address that is nobody's, too.
        select usr_id, email, exists (select from email_verified where email_verified.usr_id = usr.usr_id) as is_verified
        from usr
        where email >= ${email}
        order by email
        limit 1
      ), asked as materialized (
        select
          mailbox,
          case when email = ${email} then usr_id else 0 end as usr_id,
          coalesce(email = ${email} and is_verified, false) as is_verified,
          (select count(*) from email_suppression where email_suppression.email = mailbox and ends_at > now()) as stops
        from mailbox_of(${email}) as mailbox
        left join nearest on true
      ), address as (
        -- A verified account has a count of its own: else a stranger could use it up with other +tags of the mailbox.
        ${count(sql, resetMails, sql`case when is_verified then usr_id::text else mailbox end`, sql`from client cross join asked where not is_over`)}
      ), owed as (
        insert into task (task_type, params)
        select
          'SEND_EMAIL_PASSWORD_RESET',
          jsonb_build_object('usr_id', case when is_verified or stops = 0 then usr_id else 0 end::text)
        from address
        cross join asked
        where not is_over
      )
      select ${secondsUntil(sql, sql`ends_at`)} as retry_after_seconds
      from client
      where is_over
    `;
    if (over) return refuseTooMany(ctx, over.retry_after_seconds, show);
    if (!wantsJson(ctx)) rememberAddress(ctx, email);
    accepted(ctx, "/password/forgot/sent");
  };
}

export function showForgotPasswordSent(): Middleware {
  return (ctx) =>
    page(ctx, "password/forgot-password-sent", { title: "Check your inbox", email: rememberedAddress(ctx) });
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Forgot your password?" : "Forgot your password?";
  return page(ctx, "password/forgot-password", { title, email, problems });
}
