import { randomBytes } from "node:crypto";

/** What a person types, in a form or as the options of a command. */
export type TypedWebhook = { url: string; event_types: string; per_second: string };

export const emptyWebhook: TypedWebhook = { url: "", event_types: "", per_second: "10" };

export const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;

/** An endpoint as it is stored. No event types mean all but WEBHOOK_CHANGED. */
export type WebhookFields = { url: string; event_types: string[]; per_second: number };

/** Stores the URL as the parser writes it, without what browsers ignore, such as a line break. */
export function toFields({ url, event_types, per_second }: TypedWebhook): WebhookFields {
  return { url: new URL(url).href, event_types: eventTypes(event_types), per_second: Number(per_second) };
}

/** The reverse of `toFields`. */
export function typeWebhook({ url, event_types, per_second }: WebhookFields): TypedWebhook {
  return { url, event_types: event_types.join(" "), per_second: String(per_second) };
}

/** What is wrong with each given field. Plain http is allowed where the site itself uses it: in development. */
export function problemsWith({ url, event_types, per_second }: Partial<TypedWebhook>, origin: string) {
  const problems: Partial<Record<keyof TypedWebhook, string>> = {};
  if (url !== undefined && !isEndpoint(url, origin.startsWith("https:"))) {
    problems.url = `Enter the address of the receiver, like https://example.com/hooks, without a user name or a "#".`;
  }
  if (event_types !== undefined && !eventTypes(event_types).every((type) => /^[A-Z][A-Z_]{0,49}$/.test(type))) {
    problems.event_types = "Enter event types separated by spaces, like SIGNED_UP MAIL_SENT.";
  }
  if (per_second !== undefined && !(Number(per_second) >= 0.01 && Number(per_second) <= 1000)) {
    problems.per_second = "Enter a number from 0.01 to 1000.";
  }
  return problems;
}

/** Whether the database accepts the text as a `webhook_id`. */
export const isWebhookId = (text: string) => /^\d{1,18}$/.test(text);

/** The names of event types, separated by spaces or commas. */
const eventTypes = (typed: string) => [...new Set(typed.split(/[\s,]+/).filter(Boolean))];

function isEndpoint(url: string, isHttpsOnly: boolean): boolean {
  // The URL parser drops a NUL at either end.
  if (!URL.canParse(url) || url.includes("\0")) return false;
  const { href, protocol, username, password, hash } = new URL(url);
  if (href.length > 2000) return false;
  return (protocol === "https:" || (protocol === "http:" && !isHttpsOnly)) && username + password + hash === "";
}
