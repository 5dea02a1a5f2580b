import { dictionary } from "@zxcvbn-ts/language-common";

const letters = new Map(Object.entries({ 0: "o", 1: "i", 3: "e", 4: "a", 5: "s", 7: "t", "@": "a", $: "s", "!": "i" }));

const listed = dictionary["passwords-common"].map((password) => password.toLowerCase());
/** Shorter ones are left out: "ann" and twelve random digits may pass. */
const common = new Set([...listed, ...listed.map(stemOf)].filter((password) => password.length >= 4));

/** Whether a password is on the list of common ones, or is one of them with digits or signs at its ends. */
export function isCommon(password: string): boolean {
  return common.has(password.toLowerCase()) || common.has(stemOf(password));
}

/** What an attacker's rules start from: `P@ssw0rd123!` and `passwordpassword1` have the stem `password`. */
export function stemOf(password: string): string {
  const word = trim(unitOf(trim(password.toLowerCase())));
  return word.replace(/[013457@$!]/g, (sign) => letters.get(sign) ?? sign);
}

function trim(text: string): string {
  return text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
}

/** The shortest text that gives the whole when it is repeated, twice or more; the last time may be cut. */
export function unitOf(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    if (text.startsWith(text.slice(length))) return text.slice(0, length);
  }
  return text;
}
