import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse, showExpiredLink } from "../http/responses.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { beginSession, newSession, sessionHash, setSession } from "../log-in/session.ts";
import { normalizePassword, tooShort } from "../password/password-rules.ts";
import type { Passwords } from "../password/password.ts";
import { hashToken } from "../token.ts";
import { browserHash } from "./sign-up.ts";

type Account = { email: string; is_verified: boolean; is_same_browser: boolean };

const text = z.string().catch("");
const link = z.object({ token: text });
const fields = z.object({ token: text, password: text });

/** The page behind the link in the mail. It changes nothing: mail scanners open links, too. */
export function showVerify(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = link.parse(ctx.query);
    await showState(ctx, token, await findAccount(sql, ctx, token));
  };
}

/**
 * Verifies the address and logs in: the reader of the mail owns the account. In the browser that signed up, a click is
 * enough and the password stays. Elsewhere a new password is required: a stranger may have signed up with this
 * address.
 */
export function verify(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token, password } = fields.parse(ctx.request.body);
    let passwordHash: string | null = null;
    if (password) {
      const account = await findAccount(sql, ctx, token);
      if (!account || account.is_verified) return showState(ctx, token, account);
      const problem = await passwords.findProblem(password, account.email, ctx.state);
      if (problem) return refusePassword(ctx, token, account, problem);
      passwordHash = await passwords.hash(normalizePassword(password), ctx.state.deadline);
    }

    const session = newSession(ctx);
    const browser = thisBrowser(ctx);
    const [verified] = await sql`
      with account as (
        -- Postgres checks the version again after a wait for the row's lock: when two verifications race, or a
        -- verification and a refusal, only the first finds its version. The new version ends all older sessions and
        -- links.
        update usr
        set password_hash = coalesce(${passwordHash}, password_hash), browser_hash = null, version = version + 1
        from email_token
        where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
          and usr.usr_id = email_token.usr_id and usr.email = email_token.email and usr.version = usr_version
          and (${passwordHash}::text is not null or browser_hash = ${browserHash(ctx)})
          and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
        returning usr.usr_id, usr.email, version
      ), verified as (
        insert into email_verified (usr_id)
        select usr_id from account
      ), former_session as (
        delete from session
        using account
        where token_hash = ${sessionHash(ctx)}
      ), log_in_failures as (
        delete from log_in_failure
        using account
        where log_in_failure.email = account.email
      ), known as (
        ${knowBrowser(sql, browser.hash)}
      ), new_event as (
        insert into event (event_type, usr_id)
        select 'EMAIL_VERIFIED', usr_id from account
      ), new_session as (
        ${beginSession(sql, session)}
      )
      select from account
    `;
    if (!verified) return showState(ctx, token, await findAccount(sql, ctx, token), tooShort);

    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account");
  };
}

/** The account of a link, even of a used one: its page says that the address is verified. */
async function findAccount(sql: Sql, ctx: Context, token: string): Promise<Account | undefined> {
  const [account] = await sql<Account[]>`
    select
      email,
      coalesce(browser_hash = ${browserHash(ctx)}, false) as is_same_browser,
      verified_at is not null as is_verified
    from email_token
    join usr using (usr_id, email)
    left join email_verified using (usr_id)
    where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
      and (verified_at is not null or version = usr_version)
  `;
  return account;
}

async function showState(ctx: Context, token: string, account?: Account, problem?: string): Promise<void> {
  if (!account) return showExpiredLink(ctx, { href: "/verify/resend", label: "Send a new link" });
  const { email, is_verified } = account;
  if (is_verified) return page(ctx, "sign-up/verified-already", { title: "Your email address is verified", email });
  if (problem) return refusePassword(ctx, token, account, problem);
  await showForm(ctx, token, account, {});
}

function refusePassword(ctx: Context, token: string, account: Account, problem: string): Promise<void> {
  const elsewhere = { ...account, is_same_browser: false };
  return refuse(ctx, { password: problem }, (problems) => showForm(ctx, token, elsewhere, problems));
}

function showForm(ctx: Context, token: string, account: Account, problems: { password?: string }): Promise<void> {
  const view = account.is_same_browser ? "sign-up/verify" : "sign-up/verify-elsewhere";
  const title = problems.password ? "Error: Verify your email address" : "Verify your email address";
  return page(ctx, view, { title, token, email: account.email, problems });
}
