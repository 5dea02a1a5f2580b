import { z } from "zod";
import { accepted, refuse, showDeadLink } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { knowBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { page } from "../http/page.ts";
import { normalisePassword, problemWithPassword } from "./password-rules.ts";
import type { Passwords } from "./password.ts";
import { checksOf, forgive, passwordChecks } from "../http/throttle.ts";
import { hashToken } from "../token.ts";

type Problems = { password?: string };
type Reset = { token: string; email: string; passwordHash: string; checks: string; browserHash: Buffer };

const text = z.string().catch("");
const link = z.object({ token: text });
const fields = z.object({ token: text, password: text });

export function showResetPassword(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = link.parse(ctx.query);
    const owner = await findOwner(sql, token);
    if (!owner) return refuseLink(ctx);
    await showForm(ctx, token, owner.email, {});
  };
}

/** Two statements: a link of no use costs no hash. What the first has seen, the second does not rely on. */
export function resetPassword(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { token, password } = fields.parse(ctx.request.body);
    const owner = await findOwner(sql, token);
    if (!owner) return refuseLink(ctx);
    const problem = problemWithPassword(password, owner.email);
    if (problem) return refuse(ctx, { password: problem }, (problems) => showForm(ctx, token, owner.email, problems));

    const passwordHash = await passwords.hash(normalisePassword(password), ctx.state.deadline);
    const checks = checksOf(owner.email, ctx);
    const browser = thisBrowser(ctx);
    const isReset = await useToken(sql, { token, email: owner.email, passwordHash, checks, browserHash: browser.hash });
    if (!isReset) return refuseLink(ctx);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/login?reset");
  };
}

async function findOwner(sql: Sql, token: string) {
  const [owner] = await sql<{ email: string }[]>`
    select email
    from email_token
    join usr using (usr_id, email)
    where token_hash = ${hashToken(token)} and purpose = 'reset' and expires_at > now()
  `;
  return owner;
}

/**
 * The owner's lock comes first: of two links at once the second waits, and finds its own token gone. Only who has deleted the
 * token goes on. A way back to an older address stays: a thief who moved the account could cut it off by a reset otherwise.
 * Whoever forgot the password has tried a few: those tries are forgiven, so that the new one can be entered at once. This
 * browser is known from now on, and no other: a thief's may be among them.
 */
async function useToken(sql: Sql, { token, email, passwordHash, checks, browserHash }: Reset): Promise<boolean> {
  const rows = await sql`
    with forgiven as (
      ${forgive(sql, passwordChecks, checks)}
    ), cleared as (
      delete from log_in_failure
      -- Counted, so that the locks are taken in the order of all: address, user.
      where (select count(*) from forgiven) < 2 and email = ${email}
      returning email
    ), owner as (
      select usr_id
      from email_token
      join usr using (usr_id, email)
      where token_hash = ${hashToken(token)} and purpose = 'reset' and expires_at > now()
        and (select count(*) from cleared) < 2
      for no key update of usr
    ), used as (
      delete from email_token
      using owner
      where token_hash = ${hashToken(token)} and email_token.usr_id = owner.usr_id
      returning email_token.usr_id
    ), changed as (
      update usr
      set password_hash = ${passwordHash}, browser_hash = null
      from used
      where usr.usr_id = used.usr_id
      returning usr.email
    ), verified as (
      insert into email_verified (usr_id)
      select usr_id from used
      on conflict do nothing
      returning usr_id
    ), unstopped as (
      delete from email_suppression
      using changed
      where email_suppression.email = mailbox_of(changed.email)
    ), ended as (
      delete from session
      using used
      where session.usr_id = used.usr_id
    ), forgotten as (
      delete from known_browser
      using used
      where known_browser.usr_id = used.usr_id and known_browser.token_hash <> ${browserHash}
    ), known as (
      ${knowBrowser(sql, browserHash, sql`used`)}
    ), spent as (
      delete from email_token
      using used
      where email_token.usr_id = used.usr_id and purpose <> 'revert' and token_hash <> ${hashToken(token)}
    ), told as (
      insert into event (event_type, usr_id)
      select 'EMAIL_VERIFIED', usr_id from verified
      union all
      select 'PASSWORD_CHANGED', usr_id from used
    ), owed as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_PASSWORD_CHANGED', jsonb_build_object('usr_id', usr_id::text)
      from used
    )
    select from used
  `;
  return rows.length === 1;
}

function refuseLink(ctx: Context): Promise<void> {
  return showDeadLink(ctx, { href: "/password/forgot", label: "Ask for a new link" });
}

function showForm(ctx: Context, token: string, email: string, problems: Problems): Promise<void> {
  const title = problems.password ? "Error: Choose a new password" : "Choose a new password";
  return page(ctx, "password/reset-password", { title, token, email, problems });
}
