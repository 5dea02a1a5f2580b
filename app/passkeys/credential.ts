import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { challengeOf, useChallenge } from "./challenge.ts";
import type { RelyingParty } from "./relying-party.ts";

/** A passkey that signed a challenge of ours. */
export type Signed = {
  passkey_id: string;
  usr_id: string;
  /** Of the user, when the passkey was read: a fence for the next statement. */
  version: number;
  /** Signatures so far, as the device says. */
  counter: number;
  /** The device has counted no further than before: someone may have a copy of it. */
  is_copied: boolean;
};

type Passkey = { passkey_id: string; usr_id: string; version: number; public_key: Buffer; counter: number };

export const base64url = z.string().regex(/^[\w-]{1,8192}$/);
const assertion = z.object({
  id: base64url.max(1400),
  rawId: base64url,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    // A device may leave out whose passkey it is.
    userHandle: base64url.catch(""),
  }),
});
type Assertion = z.infer<typeof assertion>;

const fields = z.object({ credential: z.string().catch("") });

/** What the form's field `credential` holds as JSON, or undefined. */
export function credentialOf(body: unknown): unknown {
  try {
    return JSON.parse(fields.parse(body).credential);
  } catch {
    return undefined;
  }
}

/**
 * Uses up the challenge and checks the signature. Undefined when anything is wrong. An unknown passkey costs the same
 * statement and the same check, with a key that belongs to nobody.
 */
export async function checkSignature(
  sql: Sql,
  site: RelyingParty,
  body: unknown,
  browserHash: Buffer,
): Promise<Signed | undefined> {
  const { data: sent } = assertion.safeParse(credentialOf(body));
  if (!sent) return undefined;
  const challenge = challengeOf(sent.response.clientDataJSON);
  const passkey = await findPasskey(sql, sent.id, challenge, browserHash);
  const counter = await verify(site, sent, challenge, passkey?.public_key ?? dummyKey);
  if (!passkey || counter === undefined || !belongsTo(passkey.usr_id, sent)) return undefined;

  const { passkey_id, usr_id, version, counter: before } = passkey;
  return { passkey_id, usr_id, version, counter, is_copied: counter <= before && counter + before > 0 };
}

async function findPasskey(sql: Sql, credentialId: string, challenge: string, browserHash: Buffer) {
  const [passkey] = await sql<Passkey[]>`
    with challenge as (
      ${useChallenge(sql, challenge, browserHash)}
    )
    select passkey_id, passkey.usr_id, version, public_key, counter::float8
    from challenge
    join passkey on credential_id = ${credentialId}
    join usr on usr.usr_id = passkey.usr_id and version = usr_version
    where is_fresh
  `;
  return passkey;
}

/** The device's counter if the signature, the site and the checks by the device are right. */
async function verify(site: RelyingParty, sent: Assertion, challenge: string, publicKey: Buffer) {
  // Loaded at the first use: it takes 24 MB and 90 ms.
  const { verifyAuthenticationResponse } = await import("@simplewebauthn/server");
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...sent, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      requireUserVerification: true,
      // We compare counters ourselves. The library does it before the signature, which anyone could make it fail.
      credential: { id: sent.id, publicKey: Uint8Array.from(publicKey), counter: 0 },
    });
    return verified ? authenticationInfo.newCounter : undefined;
  } catch {
    return undefined;
  }
}

function belongsTo(usrId: string, { response: { userHandle } }: Assertion): boolean {
  return userHandle === "" || userHandle === userHandleOf(usrId);
}

/** Names the user on the device. It says nothing about the person. */
export function userHandleOf(usrId: string): string {
  return Buffer.from(usrId).toString("base64url");
}

/** A public key on the curve P-256, in COSE, whose private key was thrown away. */
const dummyKey = Buffer.from(
  "pQECAyYgASFYIJa-XwvaBi61RwUzCJb2L80hUHhlEqjPVKtrK2BjORUcIlggGXN17IppDQJwPU2iAzdktm9CljO8rafyMh1cmGixzac",
  "base64url",
);

/**
 * Two CTEs: `owner`, the user if the version still holds, and `account`, if the counter still allows this use. The lock on the
 * user comes first, as everywhere: a deletion waits for the passkey after it. Two requests that race with one counter must
 * not both pass.
 */
export const usePasskey = (sql: Sql, { passkey_id, usr_id, version, counter }: Signed) => sql`
  owner as (
    select usr_id, version
    from usr
    where usr_id = ${usr_id} and version = ${version}
    for no key update
  ), account as (
    update passkey
    set counter = ${counter}, used_at = now()
    from owner
    where passkey_id = ${passkey_id} and passkey.usr_id = owner.usr_id
      and (counter < ${counter} or counter = 0 and ${counter} = 0)
    returning owner.usr_id, version
  )
`;
