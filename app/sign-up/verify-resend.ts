import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { normalizeEmail, problemWithEmail } from "./email.ts";
import { rememberAddress } from "./sign-up-sent.ts";

type Problems = { email?: string };

const fields = z.object({ email: z.string().catch("") });

export function showResend(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** Enqueues the welcome mail with a fresh link. The response, its time and its writes are the same for any address. */
export function resend(sql: Sql): Middleware {
  return async (ctx) => {
    const typed = fields.parse(ctx.request.body);
    const email = normalizeEmail(typed.email);
    const problem = problemWithEmail(email);
    if (problem) return refuse(ctx, { email: problem }, (problems) => showForm(ctx, typed.email, problems));

    // For an unknown address, the mail goes to user 0, who does not exist.
    await sql`
      with account as materialized (
        select coalesce((
          -- The next row of the index, even if it is another user's: an unknown address must read a row, too.
          select case when email = ${email} then usr_id end
          from usr
          where email >= ${email}
          order by email
          limit 1
        ), 0) as usr_id
      )
      insert into task (task_type, params, unique_key)
      select
        case
          when exists (select from email_verified where email_verified.usr_id = account.usr_id)
            then 'SEND_EMAIL_ALREADY_REGISTERED'
          else 'SEND_EMAIL_WELCOME'
        end,
        jsonb_build_object('usr_id', usr_id::text),
        -- The same key as a signup. Unknown addresses use a hash: otherwise all would share one pending mail.
        coalesce(nullif(usr_id, 0), hashtextextended(${email}, 0))
      from account
      -- "do nothing" would skip the commit's wait for the disk: a fast response would show that a mail is pending.
      -- A mail that waits for hours after a refusal is due at once. A short wait stays, because greylisting needs it, and
      -- so does the wait for the last attempt. A running task stays: its attempt is given back by run_at.
      on conflict (task_type, unique_key) where unique_key is not null do update set
        run_at = case
          when task.worker_id is null and task.attempt < 4 and task.run_at > now() + interval '10 minutes' then now()
          else task.run_at
        end
    `;

    rememberAddress(ctx, email);
    accepted(ctx, "/signup/sent");
  };
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const title = "Send the link again";
  return page(ctx, "sign-up/verify-resend", { title: problems.email ? `Error: ${title}` : title, email, problems });
}
