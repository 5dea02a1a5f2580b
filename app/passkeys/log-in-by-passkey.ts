import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { accepted, refuse } from "../http/responses.ts";
import { knowBrowser, noticeNewBrowser, setKnownBrowser, thisBrowser } from "../log-in/known-browser.ts";
import { showLogInForm } from "../log-in/log-in.ts";
import { beginSession, newSession, sessionHash, setSession, type NewSession } from "../log-in/session.ts";
import { markBrowser, markedBrowser, newChallenge, signOptions } from "./challenge.ts";
import { checkSignature, usePasskey, type Signed } from "./credential.ts";
import { warnOfCopy } from "./warn-of-copy.ts";
import type { RelyingParty } from "./relying-party.ts";

/** The device chooses the passkey. No address is asked for, so nothing tells whether one has an account. */
export function offerLogIn(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    ctx.body = signOptions(site, await newChallenge(sql, markBrowser(ctx)));
  };
}

/** Two statements, because the signature is checked between reading and writing. Every failure has one response. */
export function logInByPasskey(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    const signed = await checkSignature(sql, site, ctx.request.body, markedBrowser(ctx));
    if (!signed) return refuseSigned(ctx);
    if (signed.is_copied) {
      await warnOfCopy(sql, ctx, signed);
      return refuseSigned(ctx);
    }
    const session = newSession(ctx);
    const browser = thisBrowser(ctx);
    if (!(await begin(sql, ctx, signed, session, browser.hash))) return refuseSigned(ctx);

    setSession(ctx, session.token);
    setKnownBrowser(ctx, browser.token);
    accepted(ctx, "/account");
  };
}

/**
 * Begins the session in place of the browser's former one, as a log-in by password does. It does not clear wrong passwords: it
 * says nothing about them.
 */
async function begin(sql: Sql, ctx: Context, signed: Signed, session: NewSession, browserHash: Buffer) {
  const rows = await sql`
    with ${usePasskey(sql, signed)}, ended as (
      delete from session
      using account
      where token_hash = ${sessionHash(ctx)}
    ), known as (
      ${knowBrowser(sql, browserHash)}
    ), logged_in as (
      insert into event (event_type, usr_id)
      select 'LOGGED_IN', usr_id from account
    ), notice as (
      ${noticeNewBrowser(sql, ctx, browserHash)}
    ), begun as (
      ${beginSession(sql, session)}
      returning session_id
    )
    insert into passkey_session (session_id, passkey_id)
    select session_id, ${signed.passkey_id} from begun
    returning true
  `;
  return rows.length === 1;
}

function refuseSigned(ctx: Context): Promise<void> {
  const form = "The passkey did not work. Try again, or log in with your password.";
  return refuse(ctx, { form }, (problems) => showLogInForm(ctx, "", problems));
}
