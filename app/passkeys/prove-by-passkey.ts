import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { goOn, recordProof, refuseProof } from "../log-in/proof.ts";
import { refuseEnded, sessionHash } from "../log-in/session.ts";
import { newChallenge, signOptions } from "./challenge.ts";
import { checkSignature, usePasskey, type Signed } from "./credential.ts";
import { warnOfCopy } from "./warn-of-copy.ts";
import type { RelyingParty } from "./relying-party.ts";

export function offerProof(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    ctx.body = signOptions(site, await newChallenge(sql, sessionHash(ctx), ctx.state.user.usr_id));
  };
}

/** Two statements, because the signature is checked between reading and writing. */
export function proveByPasskey(sql: Sql, site: RelyingParty): Middleware {
  return async (ctx) => {
    const signed = await checkSignature(sql, site, ctx.request.body, sessionHash(ctx));
    if (signed?.usr_id !== ctx.state.user.usr_id) return refuseSigned(ctx);
    if (signed.is_copied) {
      await warnOfCopy(sql, ctx, signed);
      return refuseSigned(ctx);
    }
    const found = await record(sql, ctx, signed);
    if (!found) return refuseEnded(ctx);
    if (!found.is_right) return refuseSigned(ctx);
    if (!found.is_proved) return refuseEnded(ctx);
    goOn(ctx);
  };
}

/** Undefined if the version of the user has been raised. It is not proved if the session has ended. */
async function record(sql: Sql, ctx: Context, signed: Signed) {
  const [found] = await sql<{ is_right: boolean; is_proved: boolean }[]>`
    with ${usePasskey(sql, signed)}, proved as (
      ${recordProof(sql, ctx)}
      returning session_id
    ), marked as (
      insert into passkey_session (session_id, passkey_id)
      select session_id, ${signed.passkey_id} from proved
      on conflict (session_id) do update set passkey_id = excluded.passkey_id
    )
    select exists (select from account) as is_right, exists (select from proved) as is_proved
    from owner
  `;
  return found;
}

function refuseSigned(ctx: Context): Promise<void> {
  return refuseProof(ctx, { form: "The passkey did not work. Try again, or enter your password." });
}
