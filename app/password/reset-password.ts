import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse, showExpiredLink } from "../http/responses.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { checkPassword, triedAddress } from "../log-in/log-in.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { hashToken } from "../token.ts";
import { normalizePassword } from "./password-rules.ts";
import type { Passwords } from "./password.ts";

type Problems = { password?: string };
type Reset = { token: string; passwordHash: string; tried: string; browserHash: Buffer };

const text = z.string().catch("");
const link = z.object({ token: text });
const fields = z.object({ token: text, password: text });

export function showResetPassword(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = link.parse(ctx.query);
    const account = await findAccount(sql, token);
    if (!account) return refuseLink(ctx);
    await showForm(ctx, token, account.email, {});
  };
}

/** Two statements: an expired or used link costs no hash. The second checks again. */
export function resetPassword(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token, password } = fields.parse(ctx.request.body);
    const account = await findAccount(sql, token);
    if (!account) return refuseLink(ctx);
    const problem = await passwords.findProblem(password, account.email, ctx.state);
    if (problem) return refuse(ctx, { password: problem }, (problems) => showForm(ctx, token, account.email, problems));

    const passwordHash = await passwords.hash(normalizePassword(password), ctx.state.deadline);
    const browser = thisBrowser(ctx);
    const tried = triedAddress(ctx, account.email);
    if (!(await useToken(sql, ctx, { token, passwordHash, tried, browserHash: browser.hash }))) return refuseLink(ctx);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/login?reset");
  };
}

async function findAccount(sql: Sql, token: string) {
  const [account] = await sql<{ email: string }[]>`
    select usr.email
    from email_token
    join usr using (usr_id)
    where token_hash = ${hashToken(token)} and purpose = 'reset' and expires_at > now() and usr_version = version
  `;
  return account;
}

/**
 * Raising the version ends all sessions, mailed links and known browsers; this browser becomes known again. Revert
 * links carry no version: otherwise a thief who moved the account could end them by a reset. Failed log-ins are
 * cleared: the owner has probably tried some passwords, and the new one must work at once.
 */
async function useToken(sql: Sql, ctx: Context, { token, passwordHash, tried, browserHash }: Reset): Promise<boolean> {
  const rows = await sql`
    with account as (
      -- When two links race, the second waits here, and then finds another version.
      update usr
      set password_hash = ${passwordHash}, version = version + 1, browser_hash = null
      from email_token
      where token_hash = ${hashToken(token)} and purpose = 'reset' and expires_at > now()
        and usr.usr_id = email_token.usr_id and version = usr_version
      returning usr.usr_id, usr.email, version
    ), newly_verified as (
      insert into email_verified (usr_id)
      select usr_id from account
      on conflict do nothing
      returning usr_id
    ), known as (
      ${knowBrowser(sql, browserHash)}
    ), cleared_failures as (
      delete from log_in_failure
      using account
      where log_in_failure.email = account.email
    ), cleared_limit as (
      delete from rate_limit
      using account
      where action = ${checkPassword} and subject = ${tried}
    ), new_event as (
      insert into event (event_type, usr_id)
      select 'EMAIL_VERIFIED', usr_id from newly_verified
      union all
      select 'PASSWORD_CHANGED', usr_id from account
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_PASSWORD_CHANGED', ${mailParams(sql, ctx)}
    from account
    returning true
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  return showExpiredLink(ctx, { href: "/password/forgot", label: "Send a new link" });
}

function showForm(ctx: Context, token: string, email: string, problems: Problems): Promise<void> {
  const title = problems.password ? "Error: Choose a new password" : "Choose a new password";
  return page(ctx, "password/reset-password", { title, token, email, problems });
}
