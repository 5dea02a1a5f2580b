import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { accepted } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { passkeyId } from "./rename-passkey.ts";

/** Removes one of the user's own passkeys. Sessions stay. The response is the same if there is no such passkey. */
export function removePasskey(sql: Sql): Middleware {
  return async (ctx) => {
    const { usr_id, version } = ctx.state.user;
    await sql`
      with owner as (
        select usr_id
        from usr
        where usr_id = ${usr_id} and version = ${version}
        for no key update
      ), account as (
        delete from passkey
        using owner
        where passkey_id = ${passkeyId(ctx)} and passkey.usr_id = owner.usr_id
        returning owner.usr_id
      ), passkey_removed as (
        insert into event (event_type, usr_id)
        select 'PASSKEY_REMOVED', usr_id from account
      )
      insert into task (task_type, params)
      select 'SEND_EMAIL_PASSKEY_REMOVED', ${mailParams(sql, ctx)} from account
    `;
    accepted(ctx, "/account?passkey-removed");
  };
}
