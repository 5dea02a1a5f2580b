import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { normalizeEmail, problemWithEmail } from "../sign-up/email.ts";
import { rememberAddress, rememberedAddress } from "../sign-up/sign-up-sent.ts";

type Problems = { email?: string };

const fields = z.object({ email: z.string().catch("") });

export function showForgotPassword(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** Enqueues a mail with a reset link. The response, its time and its writes are the same for any address. */
export function forgotPassword(sql: Sql): Middleware {
  return async (ctx) => {
    const typed = fields.parse(ctx.request.body).email;
    const email = normalizeEmail(typed);
    const problem = problemWithEmail(email);
    if (problem) return refuse(ctx, { email: problem }, (problems) => showForm(ctx, typed, problems));

    // verify-resend.ts explains each part of this statement.
    await sql`
      with account as materialized (
        select coalesce((
          select case when email = ${email} then usr_id end
          from usr
          where email >= ${email}
          order by email
          limit 1
        ), 0) as usr_id
      )
      insert into task (task_type, params, unique_key)
      select
        'SEND_EMAIL_PASSWORD_RESET',
        ${mailParams(sql, ctx)},
        coalesce(nullif(usr_id, 0), hashtextextended(${email}, 0))
      from account
      on conflict (task_type, unique_key) where unique_key is not null do update set
        run_at = case
          when task.worker_id is null and task.attempt < 4 and task.run_at > now() + interval '10 minutes' then now()
          else task.run_at
        end
    `;

    rememberAddress(ctx, email);
    accepted(ctx, "/password/forgot/sent");
  };
}

export function showForgotPasswordSent(): Middleware {
  return (ctx) =>
    page(ctx, "password/forgot-password-sent", { title: "Check your email", email: rememberedAddress(ctx) });
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const title = "Reset your password";
  return page(ctx, "password/forgot-password", { title: problems.email ? `Error: ${title}` : title, email, problems });
}
