import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { clientNetwork } from "../http/client-network.ts";
import type { Sql } from "../db/connect.ts";
import { normaliseEmail, problemWithEmail } from "./email.ts";
import { wantsJson, type Context, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { rememberAddress } from "./sign-up-sent.ts";
import { count, mails, refuseTooMany, resends, secondsUntil } from "../http/throttle.ts";

type Problems = { email?: string; form?: string };

const fields = z.object({ email: z.string().catch("") });

export function showResend(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** Owes the welcome mail with a fresh link once more. The answer is the same for any address. */
export function resend(sql: Sql): Middleware {
  return async (ctx) => {
    const typed = fields.parse(ctx.request.body);
    const email = normaliseEmail(typed.email);
    const problem = problemWithEmail(email);
    if (problem) return refuse(ctx, { email: problem }, (problems) => showForm(ctx, typed.email, problems));

    // For nobody's address it owes a mail to user 0, who is nobody: the same time, the same writes.
    const [client] = await sql<{ retry_after_seconds: number }[]>`
      with client as (
        ${count(sql, resends, clientNetwork(ctx.ip))}
      ), address as (
        ${count(sql, mails, sql`mailbox_of(${email})`, sql`from client where not is_over`)}
      ), owed as (
        insert into task (task_type, params)
        select
          case when email_verified.usr_id is null then 'SEND_EMAIL_WELCOME' else 'SEND_EMAIL_ALREADY_REGISTERED' end,
          jsonb_build_object('usr_id', coalesce(usr.usr_id, 0)::text)
        from address
        left join usr on usr.email = ${email}
        left join email_verified on email_verified.usr_id = usr.usr_id
        where not is_over
          and not exists (
            select from email_suppression where email_suppression.email = mailbox_of(${email}) and email_suppression.ends_at > now()
          )
      )
      select ${secondsUntil(sql, sql`ends_at`)} as retry_after_seconds
      from client
      where is_over
    `;
    if (client) return refuseTooMany(ctx, client.retry_after_seconds, (tooMany) => showForm(ctx, email, tooMany));

    if (!wantsJson(ctx)) rememberAddress(ctx, email);
    accepted(ctx, "/signup/sent");
  };
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  const title = "Get the mail again";
  return page(ctx, "sign-up/verify-resend", { title: hasProblems ? `Error: ${title}` : title, email, problems });
}
