import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { refuseEnded, setSession } from "../log-in/session.ts";
import { newToken } from "../token.ts";
import { normalizePassword } from "./password-rules.ts";
import type { Passwords } from "./password.ts";

type Problems = { new_password?: string };
type Change = { passwordHash: string; sessionHash: Buffer; browserHash: Buffer };

const fields = z.object({ new_password: z.string().catch("") });

export function showChangePassword(): Middleware {
  return (ctx) => showForm(ctx, {});
}

export function changePassword(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { new_password } = fields.parse(ctx.request.body);
    const problem = await passwords.findProblem(new_password, ctx.state.user.email, ctx.state);
    if (problem) return refuse(ctx, { new_password: problem }, (problems) => showForm(ctx, problems));

    const passwordHash = await passwords.hash(normalizePassword(new_password), ctx.state.deadline);
    const session = newToken();
    const browser = thisBrowser(ctx);
    const change = { passwordHash, sessionHash: session.hash, browserHash: browser.hash };
    if (!(await setPassword(sql, ctx, change))) return refuseEnded(ctx);

    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account?password-changed");
  };
}

/**
 * Raising the version ends all sessions, mailed links and known browsers except this browser's, which get the new
 * version. When two changes race, or a change and a reset, the first wins: the second finds another version.
 */
async function setPassword(sql: Sql, ctx: Context, { passwordHash, sessionHash, browserHash }: Change) {
  const { usr_id, session_id, version } = ctx.state.user;
  const rows = await sql`
    with account as (
      update usr
      set password_hash = ${passwordHash}, version = version + 1
      where usr_id = ${usr_id} and version = ${version}
      returning usr_id, version
    ), renewed as (
      update session
      set token_hash = ${sessionHash}, usr_version = version
      from account
      where session_id = ${session_id} and session.usr_id = account.usr_id
    ), known as (
      ${knowBrowser(sql, browserHash)}
    ), password_changed as (
      insert into event (event_type, usr_id)
      select 'PASSWORD_CHANGED', usr_id from account
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_PASSWORD_CHANGED', ${mailParams(sql, ctx)}
    from account
    returning true
  `;
  return rows.length === 1;
}

function showForm(ctx: Context, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Change your password" : "Change your password";
  return page(ctx, "password/change-password", { title, email: ctx.state.user.email, problems });
}
