import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { challengeOf, useChallenge } from "./challenge.ts";
import { base64url, credentialOf } from "./credential.ts";
import type { RelyingParty } from "./relying-party.ts";

export type NewCredential = { credential_id: string; public_key: Buffer; counter: number };

/** ES256, which nearly all devices have, and RS256, for older ones with Windows Hello. */
export const algorithms = [-7, -257];

const registration = z.object({
  id: base64url.max(1400),
  rawId: base64url,
  type: z.literal("public-key"),
  response: z.object({ clientDataJSON: base64url, attestationObject: base64url }),
});
type Registration = z.infer<typeof registration>;

/** Uses up the challenge and checks what the device has made. Undefined when anything is wrong. */
export async function checkNewCredential(
  sql: Sql,
  site: RelyingParty,
  body: unknown,
  browserHash: Buffer,
): Promise<NewCredential | undefined> {
  const { data: sent } = registration.safeParse(credentialOf(body));
  if (!sent) return undefined;
  const challenge = challengeOf(sent.response.clientDataJSON);
  const [used] = await sql<{ is_fresh: boolean }[]>`${useChallenge(sql, challenge, browserHash)}`;
  return used?.is_fresh ? verify(site, sent, challenge) : undefined;
}

async function verify(site: RelyingParty, sent: Registration, challenge: string): Promise<NewCredential | undefined> {
  const { verifyRegistrationResponse } = await import("@simplewebauthn/server");
  const { decodeAttestationObject, isoBase64URL } = await import("@simplewebauthn/server/helpers");
  try {
    const attestation = decodeAttestationObject(isoBase64URL.toBuffer(sent.response.attestationObject));
    // We ask for no statement about the device's maker. The library would fetch lists from addresses in a certificate.
    if (!["none", "packed"].includes(attestation.get("fmt")) || attestation.get("attStmt").get("x5c")) return undefined;

    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...sent, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified) return undefined;
    const { id, publicKey, counter } = registrationInfo.credential;
    return { credential_id: id, public_key: Buffer.from(publicKey), counter };
  } catch {
    return undefined;
  }
}
