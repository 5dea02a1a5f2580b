import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { checkPassword, wrongPassword } from "./check-password.ts";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { thisBrowser } from "../log-in/known-browser.ts";
import { page } from "../http/page.ts";
import { normalisePassword, problemWithPassword } from "./password-rules.ts";
import type { Passwords } from "./password.ts";
import { sessionDigest, setSession } from "../log-in/session.ts";
import { forgive, refuseTooMany, sessionChecks } from "../http/throttle.ts";
import { newToken } from "../token.ts";

type Problems = { password?: string; new_password?: string; form?: string };

const text = z.string().catch("");
const fields = z.object({ password: text, new_password: text });

export function showChangePassword(): Middleware {
  return (ctx) => showForm(ctx, {});
}

/** Two statements, because the old password is checked between reading and writing. */
export function changePassword(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const show = (problems: Problems) => showForm(ctx, problems);
    const { password, new_password } = fields.parse(ctx.request.body);
    const problem = problemWithPassword(new_password, ctx.state.user.email);
    if (problem) return refuse(ctx, { new_password: problem }, show);

    const { hash, retryAfterSeconds } = await checkPassword(sql, passwords, ctx, password);
    if (retryAfterSeconds) return refuseTooMany(ctx, retryAfterSeconds, show);
    if (!hash) return refuse(ctx, { password: wrongPassword }, show);

    const newHash = await passwords.hash(normalisePassword(new_password), ctx.state.deadline);
    const session = newToken();
    const browserHash = thisBrowser(ctx).hash;
    if (!(await change(sql, ctx, hash, newHash, session.hash, browserHash))) {
      return refuse(ctx, { password: wrongPassword }, show);
    }
    setSession(ctx, session.token);
    accepted(ctx, "/account?password-changed");
  };
}

/**
 * Of two changes, or a change and a reset, at once the first wins: the other finds another hash than the one that it checked.
 * This browser's session goes on under a new token; the others end, and are no known browsers any more: a thief's may be
 * among them. A way back to an older address stays.
 */
async function change(
  sql: Sql,
  ctx: Context,
  hash: string,
  newHash: string,
  sessionHash: Buffer,
  browserHash: Buffer,
): Promise<boolean> {
  const { user } = ctx.state;
  const rows = await sql`
    with forgiven as (
      ${forgive(sql, sessionChecks, user.session_id)}
    ), owner as (
      update usr
      set password_hash = ${newHash}
      -- Counted, so that the locks are taken in the order of all: session checks, user.
      where (select count(*) from forgiven) < 2
        and usr_id = ${user.usr_id} and password_hash = ${hash}
      returning usr_id, email, password_hash
    ), renewed as (
      update session
      set token_hash = ${sessionHash}, password_digest = ${sessionDigest(sql)}
      from owner
      where session_id = ${user.session_id} and session.usr_id = owner.usr_id
    ), ended as (
      delete from session
      using owner
      where session.usr_id = owner.usr_id and session_id <> ${user.session_id}
    ), forgotten as (
      delete from known_browser
      using owner
      where known_browser.usr_id = owner.usr_id and known_browser.token_hash <> ${browserHash}
    ), spent as (
      delete from email_token
      using owner
      where email_token.usr_id = owner.usr_id and purpose <> 'revert'
    ), told as (
      insert into event (event_type, usr_id)
      select 'PASSWORD_CHANGED', usr_id from owner
    ), owed as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_PASSWORD_CHANGED', jsonb_build_object('usr_id', usr_id::text)
      from owner
    )
    select from owner
  `;
  return rows.length === 1;
}

function showForm(ctx: Context, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Change your password" : "Change your password";
  return page(ctx, "password/change-password", { title, email: ctx.state.user.email, problems });
}
