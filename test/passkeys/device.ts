import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

// A device that keeps one passkey, in software: it can do what no browser lets a page do.

type Asked = { challenge: string; rp?: { id: string }; rpId?: string; user?: { id: string } };

/** What the device does differently from an honest one. */
type Quirks = { origin?: string; counter?: number; isUserVerified?: boolean; userHandle?: string; type?: string };

export type Device = ReturnType<typeof createDevice>;

const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();

/** A device whose browser is on the page `origin`. It counts from `counter` on; null: it does not count. */
export function createDevice(origin: string, counter: number | null = 0) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(32);
  let count = counter ?? 0;
  let user = "";

  function dataOf(asked: Asked, quirks: Quirks, type: string) {
    if (counter !== null) count += 1;
    const client = { type: quirks.type ?? type, challenge: asked.challenge, origin: quirks.origin ?? origin };
    const number = Buffer.alloc(4);
    number.writeUInt32BE(quirks.counter ?? count);
    // User present; user verified; a new credential follows.
    const flags = 1 | (quirks.isUserVerified === false ? 0 : 4) | (type === "webauthn.create" ? 64 : 0);
    const host = sha256(asked.rp?.id ?? asked.rpId ?? "");
    return { client: JSON.stringify(client), head: Buffer.concat([host, Buffer.from([flags]), number]) };
  }

  const credential = (response: object) =>
    JSON.stringify({
      id: base64url(id),
      rawId: base64url(id),
      type: "public-key",
      response,
      clientExtensionResults: {},
    });

  return {
    id: base64url(id),

    /** Makes the passkey, as `navigator.credentials.create` does. Returns the form's field. */
    create(asked: Asked, quirks: Quirks & { format?: string } = {}): string {
      user = asked.user?.id ?? "";
      const { client, head } = dataOf(asked, quirks, "webauthn.create");
      const length = Buffer.from([0, id.length]);
      const data = Buffer.concat([head, Buffer.alloc(16), length, id, coseOf(publicKey.export({ format: "jwk" }))]);
      const format = quirks.format ?? "none";
      const attestation = Buffer.concat([
        Buffer.from([0xa3]),
        text("fmt"),
        text(format),
        text("attStmt"),
        Buffer.from([0xa0]),
        text("authData"),
        Buffer.from([0x58, data.length]),
        data,
      ]);
      return credential({ clientDataJSON: base64url(client), attestationObject: base64url(attestation) });
    },

    /** Signs a challenge, as `navigator.credentials.get` does. Returns the form's field. */
    sign(asked: Asked, quirks: Quirks & { isForged?: boolean } = {}): string {
      const { client, head } = dataOf(asked, quirks, "webauthn.get");
      const signature = sign("sha256", Buffer.concat([head, sha256(client)]), privateKey);
      if (quirks.isForged) signature[signature.length - 1]! ^= 1;
      return credential({
        clientDataJSON: base64url(client),
        authenticatorData: base64url(head),
        signature: base64url(signature),
        userHandle: quirks.userHandle ?? user,
      });
    },
  };
}

/** CBOR of a text of less than 24 bytes. */
const text = (value: string) => Buffer.from([0x60 + value.length, ...Buffer.from(value)]);

function coseOf({ x = "", y = "" }: { x?: string; y?: string }): Buffer {
  const [start, middle] = [Buffer.from("a5010203262001215820", "hex"), Buffer.from("225820", "hex")];
  return Buffer.concat([start, Buffer.from(x, "base64url"), middle, Buffer.from(y, "base64url")]);
}
