import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { readCookie, setCookie, type Context } from "../http/context.ts";
import { hashToken, newToken } from "../token.ts";
import type { RelyingParty } from "./relying-party.ts";

const name = "passkey";
/** Longer than a challenge is valid. The page asks for a new one before that. */
const tenMinutes = 600;

/** Names this browser for a log-in: the hash of a cookie, which is set anew. */
export function markBrowser(ctx: Context): Buffer {
  const token = readCookie(ctx, name) || newToken().token;
  setCookie(ctx, name, token, tenMinutes);
  return hashToken(token);
}

/** Hash of that cookie. Without one, a hash that no challenge has. */
export function markedBrowser(ctx: Context): Buffer {
  return hashToken(readCookie(ctx, name));
}

/** A challenge, and the passkeys of the user that the device may know already. */
export type Challenge = { challenge: string; credentials: { type: "public-key"; id: string }[] };

/** Makes a challenge that only this browser may use, for 5 minutes, and reads the user's passkeys. User 0 has none. */
export async function newChallenge(sql: Sql, browserHash: Buffer, usrId = "0"): Promise<Challenge> {
  const { token, hash } = newToken();
  const passkeys = await sql<{ credential_id: string }[]>`
    with challenge as (
      insert into passkey_challenge (challenge_hash, browser_hash)
      values (${hash}, ${browserHash})
    )
    select credential_id
    from passkey
    join usr using (usr_id)
    where usr_id = ${usrId} and usr_version = version
    order by passkey_id
  `;
  const credentials = passkeys.map(({ credential_id }) => ({ type: "public-key" as const, id: credential_id }));
  return { challenge: token, credentials };
}

/** What `navigator.credentials.get` needs. Without credentials, the device offers all passkeys that it has for the site. */
export function signOptions(site: RelyingParty, { challenge, credentials }: Challenge) {
  return { challenge, rpId: site.id, allowCredentials: credentials, userVerification: "required", timeout: 300_000 };
}

/** Deletes the challenge, so that it is used once; `is_fresh` unless it has expired. */
export const useChallenge = (sql: Sql, challenge: string, browserHash: Buffer) => sql`
  delete from passkey_challenge
  where challenge_hash = ${hashToken(challenge)} and browser_hash = ${browserHash}
  returning expires_at > now() as is_fresh
`;

const clientData = z.object({ challenge: z.string() });

/** The challenge that a device signed, or an empty text. */
export function challengeOf(clientDataJSON: string): string {
  try {
    return clientData.parse(JSON.parse(Buffer.from(clientDataJSON, "base64url").toString())).challenge;
  } catch {
    return "";
  }
}
