import { createHash, randomBytes } from "node:crypto";

/** A secret of 32 random bytes for a cookie or a link, and its hash, which alone is stored. */
export function newToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString("base64url");
  return { token, hash: hashToken(token) };
}

/** SHA-256 of the token that a user sends. It needs no salt and no passes: 32 random bytes can't be guessed. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
