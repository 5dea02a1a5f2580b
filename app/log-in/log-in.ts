import { z } from "zod";
import { accepted, refuse } from "../http/responses.ts";
import { clientNetwork } from "../http/client-network.ts";
import type { Sql } from "../db/connect.ts";
import { normaliseEmail, problemWithEmail } from "../sign-up/email.ts";
import type { Context, Middleware } from "../http/context.ts";
import { setKnownBrowser, thisBrowser } from "./known-browser.ts";
import { page } from "../http/page.ts";
import { normalisePassword } from "../password/password-rules.ts";
import { beginChecked, countTry } from "./log-in-statements.ts";
import type { Passwords } from "../password/password.ts";
import { renewHash } from "./renew-hash.ts";
import { newSession, sessionHash, setSession } from "./session.ts";
import { checksOf, refuseTooMany } from "../http/throttle.ts";

type Problems = { email?: string; password?: string; form?: string };

const notices = new Map([
  ["reset", "Your new password is set. Log in with it."],
  ["out", "You are logged out everywhere."],
  ["ended", "Your session has ended. Please log in again."],
  ["link", "Log in first, then open the link in your mail once more."],
]);

export function showLogIn(): Middleware {
  return (ctx) => showForm(ctx, "", {}, notices.get(ctx.querystring));
}

/**
 * Two statements, because the password is checked between them: the try must be counted before, whatever comes of it, and a
 * connection and a lock that waited for argon2 would make the others wait, too.
 */
export function logIn(sql: Sql, passwords: Passwords): Middleware {
  return async function tryLogIn(ctx): Promise<void> {
    const { email, password, problems } = parseLogIn(ctx.request.body);
    if (problems) return refuse(ctx, problems, (shown) => showForm(ctx, email, shown));

    const network = clientNetwork(ctx.ip);
    const checks = checksOf(email, ctx);
    const browser = thisBrowser(ctx);
    const { user, may_enter, retry_after_seconds } = await countTry(sql, { email, network, checks, browser });
    if (retry_after_seconds) {
      return refuseTooMany(ctx, retry_after_seconds, (tooMany) => showForm(ctx, email, tooMany));
    }

    const isRight = await passwords.verify(user?.password_hash, password, ctx.state.deadline);
    if (!isRight || !user || !may_enter) return refuseWrong(ctx, email);

    const session = newSession(ctx);
    const former = sessionHash(ctx);
    const hasBegun = await beginChecked(sql, { user, email, checks, session, former, browser });
    // The hash or the address has changed since it was read: perhaps another log-in has renewed the hash, so check again.
    if (!hasBegun) return tryLogIn(ctx);
    await renewHash(sql, passwords, ctx, user, password);
    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account");
  };
}

// A field that is missing, sent twice or not text is an empty one.
const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

function parseLogIn(body: unknown) {
  const typed = fields.parse(body);
  const email = normaliseEmail(typed.email);
  const problems: Problems = {};
  const withEmail = problemWithEmail(email);
  if (withEmail) problems.email = withEmail;
  if (!typed.password) problems.password = "Enter your password.";

  if (withEmail || !typed.password) return { email: typed.email, password: "", problems };
  return { email, password: normalisePassword(typed.password) };
}

/**
 * One answer for all. "Not verified" alone would tell an attacker that a signup took a free address; "blocked" alone, that the
 * password is right.
 */
function refuseWrong(ctx: Context, email: string): Promise<void> {
  const form = "This e-mail address and password do not match, or the address is not verified yet.";
  return refuse(ctx, { form }, (problems) => showForm(ctx, email, problems));
}

function showForm(ctx: Context, email: string, problems: Problems, notice?: string): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  return page(ctx, "log-in/log-in", { title: hasProblems ? "Error: Log in" : "Log in", email, problems, notice });
}
