import { createHmac } from "node:crypto";

/** What is signed: the message's id, seconds since 1970 as text, and the body as it is sent. */
export type Signed = { id: string; timestamp: string; body: string };

/**
 * The headers by which a receiver knows that a message is ours, how old it is, and whether it has had it before, by the
 * specification "Standard Webhooks" 1.0. The secret is `whsec_` and the key in base64.
 */
export function signatureHeaders(secret: string, { id, timestamp, body }: Signed): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
