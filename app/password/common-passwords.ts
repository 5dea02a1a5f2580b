import { dictionary } from "@zxcvbn-ts/language-common";

const letters = new Map(Object.entries({ 0: "o", 1: "i", 3: "e", 4: "a", 5: "s", 7: "t", "@": "a", $: "s", "!": "i" }));

/** Shorter ones are left out: "ann" and twelve random digits may pass. */
const minLength = 4;

/** One password a line. A search takes up to 0.3 ms; a Set would take 13 MB more. */
const list = `\n${dictionary["passwords-common"].map(listedAs).join("\n")}\n`;

/** Whether a password is on the list of common ones, or is one of them with digits or signs at its ends. */
export function isCommon(password: string): boolean {
  return formsOf(password).some((form) => form.length >= minLength && list.includes(`\n${form}\n`));
}

/** The shortest form that is long enough: "chichi" is listed as it is, "passwordpassword" as "password". */
function listedAs(password: string): string {
  return formsOf(password).findLast((form) => form.length >= minLength) ?? password;
}

function formsOf(password: string): string[] {
  const lower = password.toLowerCase();
  // The last three are mostly equal: each is searched once.
  return [...new Set([lower, plain(trim(lower)), stemOf(lower), stemOf(lettersAndDigits(lower))])];
}

/** What an attacker's rules start from: `P@ssw0rd123!` and `passwordpassword1` have the stem `password`. */
export function stemOf(password: string): string {
  return plain(trim(unitOf(trim(password.toLowerCase()))));
}

function plain(word: string): string {
  return word.replace(/[013457@$!]/g, (sign) => letters.get(sign) ?? sign);
}

/** "password-password" repeats "password" only without its dash. */
export function lettersAndDigits(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}

/** From the first letter to the last. */
function trim(text: string): string {
  return /\p{L}(?:.*\p{L})?/su.exec(text)?.[0] ?? "";
}

/** The shortest text that gives the whole when it is repeated, twice or more; the last time may be cut. */
export function unitOf(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    if (text.startsWith(text.slice(length))) return text.slice(0, length);
  }
  return text;
}
