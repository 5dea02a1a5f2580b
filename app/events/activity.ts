/** An event as the account page reads it. */
export type Happened = { event_type: string; data: Record<string, unknown>; created_at: string };

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

// Of what is told in the feed, this is the owner's business.
const words = new Map([
  ["SIGNED_UP", "You signed up"],
  ["EMAIL_VERIFIED", "You verified your e-mail address"],
  ["LOGGED_IN", "You logged in"],
  ["PASSWORD_CHANGED", "The password was changed"],
  ["EMAIL_CHANGED", "The e-mail address was changed"],
]);

const mails = new Map([
  ["SEND_EMAIL_WELCOME", "the link to verify your address"],
  ["SEND_EMAIL_REMINDER", "a reminder to verify your address"],
  ["SEND_EMAIL_ALREADY_REGISTERED", "word that somebody entered your address once more"],
  ["SEND_EMAIL_PASSWORD_RESET", "a link to choose a new password"],
  ["SEND_EMAIL_PASSWORD_CHANGED", "word that the password was changed"],
  ["SEND_EMAIL_CONFIRM_ADDRESS", "the link to confirm your new address"],
  ["SEND_EMAIL_ADDRESS_CHANGED", "word that the address was changed, to the old one"],
]);

/** The event types that an account's page shows. */
export const shownTypes = [...words.keys(), "MAIL_SENT"];

/** An event as its owner reads it. */
export function inWords({ event_type, data, created_at }: Happened) {
  const at = new Date(created_at);
  const mail = mails.get(String(data.task_type)) ?? "a mail";
  return {
    what: words.get(event_type) ?? `We sent you ${mail}`,
    at: `${when.format(at)} UTC`,
    datetime: at.toISOString(),
  };
}
