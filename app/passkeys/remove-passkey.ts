import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { accepted } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { refuseEnded } from "../log-in/session.ts";
import { passkeyId } from "./rename-passkey.ts";

/**
 * Removes one of the user's own passkeys, and ends the other sessions that it began or proved: its device may be stolen.
 * The response is the same if there is no such passkey. One notice of each version of the user is pending at a time.
 */
export function removePasskey(sql: Sql): Middleware {
  return async (ctx) => {
    const { usr_id, version, session_id } = ctx.state.user;
    const id = passkeyId(ctx);
    const owners = await sql`
      with owner as (
        select usr_id, version
        from usr
        where usr_id = ${usr_id} and version = ${version}
        for no key update
      ), account as (
        delete from passkey
        using owner
        where passkey_id = ${id} and passkey.usr_id = owner.usr_id
        returning owner.usr_id, version
      ), ended as (
        delete from session
        using passkey_session, account
        where passkey_id = ${id} and session.session_id = passkey_session.session_id
          and session.usr_id = account.usr_id and session.session_id <> ${session_id}
      ), passkey_removed as (
        insert into event (event_type, usr_id)
        select 'PASSKEY_REMOVED', usr_id from account
      ), notice as (
        insert into task (task_type, params, unique_key)
        select 'SEND_EMAIL_PASSKEY_REMOVED', ${mailParams(sql, ctx)}, usr_id || ' ' || version from account
        on conflict do nothing
      )
      select from owner
    `;
    if (owners.length === 0) return refuseEnded(ctx);
    accepted(ctx, "/account?passkey-removed");
  };
}
