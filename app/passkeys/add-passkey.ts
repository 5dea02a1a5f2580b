import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { browserName } from "../log-in/browser-name.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { refuseEnded, sessionHash } from "../log-in/session.ts";
import { newChallenge } from "./challenge.ts";
import { userHandleOf } from "./credential.ts";
import { algorithms, checkNewCredential, type NewCredential } from "./new-credential.ts";
import { parseName } from "./rename-passkey.ts";
import type { RelyingParty } from "./relying-party.ts";

type Problems = { name?: string; form?: string };

/** Requests that race may each find room, so an account may get a few more. */
const most = 20;
const notAdded = "The passkey was not added. Try again.";

export function showAddPasskey(): Middleware {
  return (ctx) => showForm(ctx, browserName(ctx.get("User-Agent")), {});
}

/** What `navigator.credentials.create` needs. The device must keep the passkey, so that log-in needs no address. */
export function offerPasskey(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    const { usr_id, email } = ctx.state.user;
    const { challenge, credentials } = await newChallenge(sql, sessionHash(ctx), usr_id);
    ctx.body = {
      challenge,
      rp: { id: site.id, name: site.name },
      user: { id: userHandleOf(usr_id), name: email, displayName: email },
      pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
      // A device does not make a second one.
      excludeCredentials: credentials,
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: 300_000,
    };
  };
}

/** Two statements, because the credential is checked between using up the challenge and adding the passkey. */
export function addPasskey(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    const { name, problem } = parseName(ctx.request.body);
    const again = (problems: Problems) => refuse(ctx, problems, (shown) => showForm(ctx, name, shown));
    if (problem) return again({ name: problem });
    const credential = await checkNewCredential(sql, site, ctx.request.body, sessionHash(ctx));
    if (!credential) return again({ form: notAdded });
    const found = await add(sql, ctx, credential, name);
    if (!found) return refuseEnded(ctx);
    if (!found.has_room)
      return again({ form: `The passkey was not added. An account can have ${most}. Remove one, then try again.` });
    if (!found.is_added) return again({ form: notAdded });
    accepted(ctx, "/account?passkey-added");
  };
}

/**
 * The session is locked: one that ends at this moment must not leave a passkey behind. Undefined if it has ended. One
 * notice of each version of the user is pending at a time: adding and removing in turn must not fill the mailbox.
 */
async function add(sql: Sql, ctx: Context, credential: NewCredential, name: string) {
  const { usr_id, version, session_id } = ctx.state.user;
  const { credential_id, public_key, counter } = credential;
  const [found] = await sql<{ has_room: boolean; is_added: boolean }[]>`
    with owner as (
      select usr.usr_id, version,
        (select count(*) from passkey where usr_id = ${usr_id} and usr_version = ${version}) < ${most} as has_room
      from usr
      join session using (usr_id)
      where usr.usr_id = ${usr_id} and version = ${version} and session_id = ${session_id}
      for no key update of usr, session
    ), account as (
      insert into passkey (usr_id, usr_version, credential_id, public_key, counter, name)
      select usr_id, version, ${credential_id}, ${public_key}, ${counter}, ${name}
      from owner
      where has_room
      on conflict do nothing
      returning usr_id, usr_version
    ), passkey_added as (
      insert into event (event_type, usr_id)
      select 'PASSKEY_ADDED', usr_id from account
    ), notice as (
      insert into task (task_type, params, unique_key)
      select 'SEND_EMAIL_PASSKEY_ADDED', ${mailParams(sql, ctx)}, usr_id || ' ' || usr_version
      from account
      on conflict do nothing
    )
    select has_room, exists (select from account) as is_added
    from owner
  `;
  return found;
}

function showForm(ctx: Context, name: string, problems: Problems): Promise<void> {
  const title = Object.values(problems).some(Boolean) ? "Error: Add a passkey" : "Add a passkey";
  return page(ctx, "passkeys/add-passkey", { title, name, problems });
}
