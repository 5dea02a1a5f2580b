import { z } from "zod";
import { accepted, refuse, showDeadLink } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { page } from "../http/page.ts";
import { normalisePassword, problemWithPassword } from "../password/password-rules.ts";
import type { Passwords } from "../password/password.ts";
import { beginSession, newSession, sessionHash, setSession } from "../log-in/session.ts";
import { browserHash } from "./sign-up-browser.ts";
import { hashToken } from "../token.ts";

type Owner = { email: string; is_verified: boolean; is_same_browser: boolean };

const text = z.string().catch("");
const link = z.object({ token: text });
const fields = z.object({ token: text, password: text });

/** The page behind the link in the mail. It changes nothing: mail scanners open links, too. */
export function showVerify(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = link.parse(ctx.query);
    await showState(ctx, token, await findOwner(sql, ctx, token));
  };
}

/**
 * Whoever reads the mail owns the account. In the browser that signed up a click is enough, and the password stays; elsewhere
 * a new one is due: the old one may be that of somebody who signed up with another person's address.
 */
export function verify(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token, password } = fields.parse(ctx.request.body);
    let passwordHash: string | null = null;
    if (password) {
      const owner = await findOwner(sql, ctx, token);
      if (!owner || owner.is_verified) return showState(ctx, token, owner);
      const problem = problemWithPassword(password, owner.email);
      if (problem) return refusePassword(ctx, token, owner, problem);
      passwordHash = await passwords.hash(normalisePassword(password), ctx.state.deadline);
    }

    // Only who writes the row in email_verified goes on: a link never changes a verified account, and so may stay, to say that
    // there is nothing left to do. The user's lock comes first, so that a refusal of the same signup waits, or has left nobody
    // to verify.
    const session = newSession(ctx);
    const browser = thisBrowser(ctx);
    const [verified] = await sql`
      with owner as (
        select usr_id
        from email_token
        join usr using (usr_id, email)
        where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
          and (${passwordHash}::text is not null or browser_hash = ${browserHash(ctx)})
        for no key update of usr
      ), verified as (
        insert into email_verified (usr_id)
        select usr_id from owner
        on conflict do nothing
        returning usr_id
      ), opened as (
        update usr
        set password_hash = coalesce(${passwordHash}, password_hash), browser_hash = null
        from verified
        where usr.usr_id = verified.usr_id
        returning usr.usr_id, email, password_hash
      ), ended as (
        delete from session
        using verified
        where session.usr_id = verified.usr_id or token_hash = ${sessionHash(ctx)}
      ), spent as (
        delete from email_token
        using verified
        where email_token.usr_id = verified.usr_id and purpose <> 'verify'
      ), unstopped as (
        delete from email_suppression
        using opened
        where email_suppression.email = mailbox_of(opened.email)
      ), cleared as (
        delete from log_in_failure
        using opened
        where log_in_failure.email = opened.email
      ), known as (
        ${knowBrowser(sql, browser.hash, sql`opened`)}
      ), told as (
        insert into event (event_type, usr_id)
        select 'EMAIL_VERIFIED', usr_id from opened
      ), begun as (
        ${beginSession(sql, session, sql`opened`)}
      )
      select from opened
    `;
    if (!verified) return showState(ctx, token, await findOwner(sql, ctx, token), "Choose a password.");

    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account");
  };
}

async function findOwner(sql: Sql, ctx: Context, token: string) {
  const [owner] = await sql<Owner[]>`
    select
      email,
      coalesce(browser_hash = ${browserHash(ctx)}, false) as is_same_browser,
      exists (select from email_verified where email_verified.usr_id = usr.usr_id) as is_verified
    from email_token
    join usr using (usr_id, email)
    where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
  `;
  return owner;
}

async function showState(ctx: Context, token: string, owner: Owner | undefined, problem?: string): Promise<void> {
  if (!owner) return showDeadLink(ctx, { href: "/verify/resend", label: "Send me a new link" });
  if (owner.is_verified)
    return page(ctx, "sign-up/verified-already", { title: "Your address is verified", email: owner.email });
  if (problem) return refusePassword(ctx, token, owner, problem);
  await showForm(ctx, token, owner, {});
}

function refusePassword(ctx: Context, token: string, owner: Owner, problem: string): Promise<void> {
  const elsewhere = { ...owner, is_same_browser: false };
  return refuse(ctx, { password: problem }, (problems) => showForm(ctx, token, elsewhere, problems));
}

function showForm(ctx: Context, token: string, owner: Owner, problems: { password?: string }): Promise<void> {
  const view = owner.is_same_browser ? "sign-up/verify" : "sign-up/verify-elsewhere";
  const title = problems.password ? "Error: Verify your address" : "Verify your address";
  return page(ctx, view, { title, token, email: owner.email, problems });
}
