import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { readCookie, setCookie, type Context, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { normalizePassword } from "../password/password-rules.ts";
import type { Passwords } from "../password/password.ts";
import { hashToken, newToken } from "../token.ts";
import { normalizeEmail, problemWithEmail } from "./email.ts";
import { rememberAddress } from "./sign-up-sent.ts";

type Problems = { email?: string; password?: string };

export function showSignUp(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

/** Signs up: form or JSON with `email` and `password`. The response never shows whether the address was taken. */
export function signUp(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const typed = fields.parse(ctx.request.body);
    const email = normalizeEmail(typed.email);
    const problems = await findProblems(ctx, passwords, email, typed.password);
    if (problems) return refuse(ctx, problems, () => showForm(ctx, typed.email, problems));

    const passwordHash = await passwords.hash(normalizePassword(typed.password), ctx.state.deadline);
    const browser = markBrowser(ctx);

    // "do nothing" would return no row when two first signups race; this returns the existing one.
    // The salt makes every hash unique: an equal hash means that this statement inserted the row.
    await sql`
      with account as (
        insert into usr (email, password_hash, browser_hash)
        values (${email}, ${passwordHash}, ${browser.hash})
        on conflict (email) do update set email = excluded.email
        returning usr_id, password_hash = ${passwordHash} as is_new
      ), signed_up as (
        insert into event (event_type, usr_id)
        select 'SIGNED_UP', usr_id
        from account
        where is_new
      )
      -- One pending mail per account: a second signup changes nothing until the first mail is out.
      insert into task (task_type, params, unique_key)
      select
        case
          when exists (select from email_verified where email_verified.usr_id = account.usr_id)
            then 'SEND_EMAIL_ALREADY_REGISTERED'
          else 'SEND_EMAIL_WELCOME'
        end,
        jsonb_build_object('usr_id', usr_id::text),
        usr_id
      from account
      on conflict do nothing
    `;

    rememberAddress(ctx, email);
    accepted(ctx, "/signup/sent");
  };
}

// A field that is missing, sent twice or not text counts as empty.
const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

async function findProblems(ctx: Context, passwords: Passwords, email: string, password: string) {
  const problems: Problems = {};
  const withEmail = problemWithEmail(email);
  if (withEmail) problems.email = withEmail;
  const withPassword = await passwords.findProblem(password, email, ctx.state);
  if (withPassword) problems.password = withPassword;
  return withEmail || withPassword ? problems : undefined;
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  return page(ctx, "sign-up/sign-up", { title: hasProblems ? "Error: Sign up" : "Sign up", email, problems });
}

const browserCookie = "signup";
const thirtyDaysInSeconds = 30 * 24 * 3600;

/**
 * Marks the browser of a signup. The mailed link keeps the chosen password only in this browser. The token is new each
 * time: after a second signup with another password, the link must ask for a password.
 */
function markBrowser(ctx: Context): { hash: Buffer } {
  const { token, hash } = newToken();
  setCookie(ctx, browserCookie, token, thirtyDaysInSeconds);
  return { hash };
}

/** The hash of this browser's mark; equal to `usr.browser_hash` in the browser that signed up. */
export function browserHash(ctx: Context): Buffer {
  return hashToken(readCookie(ctx, browserCookie));
}
