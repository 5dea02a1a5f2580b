/** An event as the account page reads it. */
export type Happened = { event_type: string; data: { subject?: string }; created_at: string };

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

// MAIL_SENT needs no line here: it carries the subject of its mail.
const coreWords = new Map([
  ["SIGNED_UP", "You signed up"],
  ["EMAIL_VERIFIED", "You verified your email address"],
  ["LOGGED_IN", "You logged in"],
  ["PASSWORD_CHANGED", "Your password was changed"],
  ["EMAIL_CHANGED", "Your email address was changed"],
]);

/** The event types that an account's page shows, with those of modules. */
export const shownTypes = (ofModules: Map<string, string>) => [...coreWords.keys(), ...ofModules.keys(), "MAIL_SENT"];

/** An event as its owner reads it. */
export function inWords({ event_type, data, created_at }: Happened, ofModules: Map<string, string>) {
  const at = new Date(created_at);
  return {
    what:
      coreWords.get(event_type) ??
      ofModules.get(event_type) ??
      `We sent you the email “${data.subject ?? "(no subject)"}”`,
    at: `${when.format(at)} UTC`,
    datetime: at.toISOString(),
  };
}
