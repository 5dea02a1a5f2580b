import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { clientNetwork } from "../http/client-network.ts";
import type { Sql } from "../db/connect.ts";
import { normaliseEmail, problemWithEmail } from "./email.ts";
import { wantsJson, type Context, type Middleware } from "../http/context.ts";
import { createKnownOver } from "../http/known-over.ts";
import { page } from "../http/page.ts";
import type { Passwords } from "../password/password.ts";
import { normalisePassword, problemWithPassword } from "../password/password-rules.ts";
import { rememberBrowser } from "./sign-up-browser.ts";
import { rememberAddress } from "./sign-up-sent.ts";
import { count, mails, refuseTooMany, secondsUntil, signUps } from "../http/throttle.ts";
import { newToken } from "../token.ts";

type Problems = { email?: string; password?: string; form?: string };

export function showSignUp(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

export function signUp(sql: Sql, passwords: Passwords): Middleware {
  // Whoever is over the limit costs a hash once. The statement below counts, and decides.
  const knownOver = createKnownOver();

  return async (ctx) => {
    const { email, password, problems } = parseSignUp(ctx.request.body);
    if (problems) return refuse(ctx, problems, () => showForm(ctx, email, problems));

    const network = clientNetwork(ctx.ip);
    const refuseClient = (retryAfterSeconds: number) =>
      refuseTooMany(ctx, retryAfterSeconds, (tooMany) => showForm(ctx, email, tooMany));
    const over = knownOver.secondsLeft(network);
    if (over) return refuseClient(over);

    const passwordHash = await passwords.hash(password, ctx.state.deadline);
    // Never the one that the browser has: whoever signs up again with another password must be asked for it by the link.
    const browser = newToken();

    // The no-op update locks and returns the row that is there, in a race too: exactly one user either way.
    // The salt makes each hash unique, so an equal hash means that this statement wrote it.
    // A new user is always owed the welcome; what keeps mails from the address only puts it off.
    const [client] = await sql<{ retry_after_seconds: number }[]>`
      with client as (
        ${count(sql, signUps, network)}
      ), address as (
        ${count(sql, mails, sql`mailbox_of(${email})`, sql`from client where not is_over`)}
      ), owner as (
        insert into usr (email, password_hash, browser_hash)
        select ${email}, ${passwordHash}, ${browser.hash}
        from address
        on conflict (email) do update set email = excluded.email
        returning usr_id, email, password_hash = ${passwordHash} as is_new
      ), told as (
        insert into event (event_type, usr_id)
        select 'SIGNED_UP', usr_id
        from owner
        where is_new
      ), owed as (
        insert into task (task_type, params, run_at)
        select
          case
            when exists (select from email_verified where email_verified.usr_id = owner.usr_id)
              then 'SEND_EMAIL_ALREADY_REGISTERED'
            else 'SEND_EMAIL_WELCOME'
          end,
          jsonb_build_object('usr_id', usr_id::text),
          greatest(now(), email_suppression.ends_at + later, case when is_over then address.ends_at + later - interval '1 hour' end)
        from owner
        cross join address
        -- Three in each later hour, too. Bounded, because signups for an address that is there are hits as well.
        cross join lateral (select least((hits - 1) / ${mails.limit}, 23) * interval '1 hour' as later) as wait
        left join email_suppression on email_suppression.email = mailbox_of(owner.email) and email_suppression.ends_at > now()
        where is_new or not (is_over or email_suppression.email is not null)
      )
      select ${secondsUntil(sql, sql`ends_at`)} as retry_after_seconds
      from client
      where is_over
    `;
    if (client) {
      knownOver.note(network, client.retry_after_seconds);
      return refuseClient(client.retry_after_seconds);
    }

    if (!wantsJson(ctx)) rememberAddress(ctx, email);
    rememberBrowser(ctx, browser.token);
    accepted(ctx, "/signup/sent");
  };
}

// A field that is missing, sent twice or not text is an empty one.
const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

function parseSignUp(body: unknown) {
  const typed = fields.parse(body);
  const email = normaliseEmail(typed.email);
  const password = normalisePassword(typed.password);
  const problems: Problems = {};
  const withEmail = problemWithEmail(email);
  if (withEmail) problems.email = withEmail;
  const withPassword = problemWithPassword(typed.password, email);
  if (withPassword) problems.password = withPassword;

  if (withEmail || withPassword) return { email: typed.email, password, problems };
  return { email, password };
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  return page(ctx, "sign-up/sign-up", { title: hasProblems ? "Error: Sign up" : "Sign up", email, problems });
}
