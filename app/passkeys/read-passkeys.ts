import type { Sql } from "../db/connect.ts";
import type { Context, CurrentUser } from "../http/context.ts";

const stillWork = "Your passkeys still work. Remove any that you do not recognize.";

const notices = new Map([
  ["passkey-added", "The passkey was added. You can log in with it from now on."],
  ["passkey-renamed", "The passkey was renamed."],
  ["passkey-removed", "The passkey was removed. If someone else has the device, end its sessions below."],
]);

/** Shown only if there are passkeys: an intruder may have added one. */
const noticesOfKept = new Map([
  ["password-changed", stillWork],
  ["email-changed", stillWork],
]);

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

type Passkey = { passkey_id: string; name: string; created_at: Date; used_at: Date | null };

/** The user's passkeys, for the account page. */
export function readPasskeys(sql: Sql) {
  return async (ctx: Context) => {
    const { usr_id, version } = ctx.state.user;
    const rows = await sql<Passkey[]>`
      select passkey_id, name, created_at, used_at
      from passkey
      where usr_id = ${usr_id} and usr_version = ${version}
      order by passkey_id
    `;
    const passkeys = rows.map(({ created_at, used_at, ...passkey }) => ({
      ...passkey,
      added: dayOf(created_at),
      used: used_at && dayOf(used_at),
    }));
    const kept = passkeys.length > 0 ? noticesOfKept.get(ctx.querystring) : undefined;
    return { passkeys, passkeyNotice: notices.get(ctx.querystring) ?? kept };
  };
}

function dayOf(at: Date) {
  return { words: day.format(at), datetime: at.toISOString().slice(0, 10) };
}

/** Whether to offer a proof by passkey. */
export function hasPasskey(sql: Sql) {
  return async (ctx: Context) => {
    const { usr_id, version } = ctx.state.user;
    const found = await sql`
      select
      from passkey
      where usr_id = ${usr_id} and usr_version = ${version}
      limit 1
    `;
    return { hasPasskey: found.length > 0 };
  };
}

/** For the download of the account's data. */
export function passkeyData(sql: Sql) {
  return async ({ usr_id, version }: CurrentUser) => ({
    passkeys: await sql`
      select name, created_at as added_at, used_at
      from passkey
      where usr_id = ${usr_id} and usr_version = ${version}
      order by passkey_id
    `,
  });
}
