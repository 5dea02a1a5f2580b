import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { clientNetwork } from "../http/rate-limit.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { normalizePassword } from "../password/password-rules.ts";
import type { Passwords } from "../password/password.ts";
import { normalizeEmail, problemWithEmail } from "../sign-up/email.ts";
import { countAttempt, type Attempt, type User } from "./count-attempt.ts";
import { knowBrowser, noticeNewBrowser, setKnownBrowser, thisBrowser } from "./known-browser.ts";
import { beginSession, newSession, sessionHash, setSession, type NewSession } from "./session.ts";

type Problems = { email?: string; password?: string; form?: string };

/** The action of a rate limit. Its subject is `triedAddress`. */
export const checkPassword = "check password";

const notices = new Map([
  ["reset", "Your password was changed. Log in with the new one."],
  ["out", "You are logged out in all browsers."],
  ["ended", "Your session has ended. Log in again."],
  ["link", "Log in, then open the link in the email again."],
]);

export function showLogIn(): Middleware {
  return (ctx) => showLogInForm(ctx, "", {}, notices.get(ctx.querystring));
}

/** The subject of a rate limit: an address and a network. Attempts from other networks cannot lock the owner out. */
export function triedAddress(ctx: Context, email = normalizeEmail(fields.parse(ctx.request.body).email)): string {
  // The address may be any text, but an index row has a size limit, and Postgres rejects NUL.
  return `${problemWithEmail(email) ? "" : email} ${clientNetwork(ctx.ip)}`;
}

/** Two statements: one would hold a connection and locks while argon2 works, and count the attempt only after it. */
export function logIn(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { email, password, problems } = parseLogIn(ctx.request.body);
    if (problems) return refuse(ctx, problems, (shown) => showLogInForm(ctx, email, shown));

    const browser = thisBrowser(ctx);
    const attempt = { email, browserHash: browser.hash };
    const { user, may_log_in } = await countAttempt(sql, ctx, attempt);
    const isRight = await passwords.verify(user?.password_hash, password, ctx.state.deadline);
    if (!isRight || !user || !may_log_in) return refuseWrong(ctx, email);

    const session = newSession(ctx);
    if (!(await begin(sql, ctx, user, attempt, session))) return refuseWrong(ctx, email);
    if (passwords.isOutdated(user.password_hash)) await renewHash(sql, passwords, ctx, user, password);

    ctx.state.isPasswordRight = true;
    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account");
  };
}

// A field that is missing, sent twice or not text counts as empty.
const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

function parseLogIn(body: unknown) {
  const typed = fields.parse(body);
  const email = normalizeEmail(typed.email);
  const problems: Problems = {};
  const withEmail = problemWithEmail(email);
  if (withEmail) problems.email = withEmail;
  if (!typed.password) problems.password = "Enter your password.";

  if (withEmail || !typed.password) return { email: typed.email, password: "", problems };
  return { email, password: normalizePassword(typed.password) };
}

/**
 * Begins the session in place of the browser's former one, and makes the browser known. Fenced by the version that was read with
 * the hash: if the password or the address has changed meanwhile, nothing begins. A change that commits later ends the session.
 */
async function begin(sql: Sql, ctx: Context, user: User, attempt: Attempt, session: NewSession): Promise<boolean> {
  const rows = await sql`
    with account as (
      select usr_id, version
      from usr
      where usr_id = ${user.usr_id} and version = ${user.version}
      for key share
    ), ended as (
      delete from session
      using account
      where token_hash = ${sessionHash(ctx)}
    ), known as (
      ${knowBrowser(sql, attempt.browserHash)}
    ), cleared as (
      delete from log_in_failure
      using account
      where email = ${attempt.email}
    ), logged_in as (
      insert into event (event_type, usr_id)
      select 'LOGGED_IN', usr_id from account
    ), notice as (
      ${noticeNewBrowser(sql, ctx, attempt.browserHash)}
    )
    ${beginSession(sql, session)}
    returning true
  `;
  return rows.length === 1;
}

/** Hashes the password with the current parameters. A failure does no harm: the next log-in tries again. */
async function renewHash(sql: Sql, passwords: Passwords, ctx: Context, user: User, password: string): Promise<void> {
  try {
    const hash = await passwords.hash(password, ctx.state.deadline);
    await sql`
      update usr
      set password_hash = ${hash}
      where usr_id = ${user.usr_id} and password_hash = ${user.password_hash}
    `;
  } catch (error) {
    ctx.state.log.warn({ err: error }, "password hash not renewed");
  }
}

/**
 * The same response for every failure. "Not verified" would show an attacker that a signup took a free address, and
 * "blocked" would show that the password is right.
 */
function refuseWrong(ctx: Context, email: string): Promise<void> {
  const form = "The email address or the password is wrong, or the address is not verified yet.";
  return refuse(ctx, { form }, (problems) => showLogInForm(ctx, email, problems));
}

/** @public Modules use it. */
export function showLogInForm(ctx: Context, email: string, problems: Problems, notice?: string): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  return page(ctx, "log-in/log-in", { title: hasProblems ? "Error: Log in" : "Log in", email, problems, notice });
}
