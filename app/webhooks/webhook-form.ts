import { randomBytes } from "node:crypto";
import { z } from "zod";

/** What an operator types to register an endpoint. */
export type WebhookFields = { url: string; secret: string; event_types: string; per_second: string };
export type WebhookProblems = Partial<Record<keyof WebhookFields, string>>;

const text = z.string().trim().catch("");
export const webhookFields = z.object({ url: text, secret: text, event_types: text, per_second: text });

/** An empty form with a new secret. Secrets are unique, so a form that is sent twice registers one endpoint. */
export function newWebhook(): WebhookFields {
  return { url: "", secret: `whsec_${randomBytes(32).toString("base64")}`, event_types: "", per_second: "10" };
}

/** The names of event types, separated by spaces or commas. */
export const eventTypes = (typed: string) => [...new Set(typed.split(/[\s,]+/).filter(Boolean))];

/** What is wrong with each field. Plain http is allowed where the site itself uses it: in development. */
export function problemsWith({ url, secret, event_types, per_second }: WebhookFields, isHttpsOnly: boolean) {
  const problems: WebhookProblems = {};
  if (!isEndpoint(url, isHttpsOnly)) {
    problems.url = `Enter the address of the receiver, like https://example.com/hooks, without a user name or a "#".`;
  }
  if (!isSecret(secret)) problems.secret = `Enter "whsec_" and 24 to 64 random bytes in base64.`;
  if (!eventTypes(event_types).every((type) => /^[A-Z][A-Z_]{0,49}$/.test(type))) {
    problems.event_types = "Enter event types separated by spaces, like SIGNED_UP MAIL_SENT.";
  }
  if (!(Number(per_second) >= 0.01 && Number(per_second) <= 1000)) {
    problems.per_second = "Enter a number from 0.01 to 1000.";
  }
  return problems;
}

function isEndpoint(url: string, isHttpsOnly: boolean): boolean {
  // The URL parser drops a NUL at either end.
  if (!URL.canParse(url) || url.includes("\0")) return false;
  const { href, protocol, username, password, hash } = new URL(url);
  if (href.length > 2000) return false;
  return (protocol === "https:" || (protocol === "http:" && !isHttpsOnly)) && username + password + hash === "";
}

function isSecret(secret: string): boolean {
  const [, key] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(key ?? "", "base64").length;
  return bytes >= 24 && bytes <= 64;
}
