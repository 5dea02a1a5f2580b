import { z } from "zod";
import type { TypedWebhook } from "../webhook-fields.ts";

const text = z.string().trim().catch("");

export const editForm = z.object({ url: text, event_types: text, per_second: text });
export const registerForm = editForm.extend({ secret: text });

/** Messages by field. */
export type Problems = Partial<Record<keyof TypedWebhook | "secret", string>>;

export function problemsWithSecret(secret: string): Problems {
  const [, key] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(key ?? "", "base64").length;
  return bytes >= 24 && bytes <= 64 ? {} : { secret: `Enter "whsec_" and 24 to 64 random bytes in base64.` };
}
