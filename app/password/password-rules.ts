import { commonPasswords } from "./common-passwords.ts";
import { siteName } from "../env.ts";

const minLength = 15;
const maxLength = 256;

/** NFKC, so that the same password typed on another keyboard is the same bytes (NIST SP 800-63B-4, 3.1.1.2). */
export function normalisePassword(text: string): string {
  return text.normalize("NFKC");
}

/**
 * What is wrong with a password as it was typed, for the person who chose it. Length is counted in code points,
 * before and after normalisation;
 * no rule asks for digits or signs: NIST SP 800-63B-4 forbids that, and asks for the blocklist.
 */
export function problemWithPassword(typed: string, email: string): string | undefined {
  const password = normalisePassword(typed);
  const length = Array.from(password).length;
  if (length === 0) return "Choose a password.";
  if (!typed.isWellFormed()) return "This password holds half a character. Please type it again.";
  if (length < minLength || Array.from(typed).length < minLength)
    return `This password is too short: at least ${minLength} characters. A few words do well.`;
  if (length > maxLength) return `This password is too long: ${maxLength} characters at most.`;

  const lower = password.toLowerCase();
  if (commonPasswords.has(lower)) return "Many people use this password, so it is tried first. Choose another.";
  if (isRepetition(lower)) return "This password repeats itself, so it is soon guessed. Choose another.";
  if (isKeyboardRun(lower)) return "This password runs along the keyboard or the alphabet. Choose another.";
  if (contains(lower, siteName)) return `This password holds the name of this site. Leave out “${siteName}”.`;
  if (localParts(email).some((part) => contains(lower, part))) {
    return "This password holds your own address, which others know. Choose another.";
  }
  return undefined;
}

/** One unit twice or more (`abcabcabc…`, a cut last one included), or very few characters in all. */
function isRepetition(password: string): boolean {
  const characters = Array.from(password);
  if (new Set(characters).size < 5) return true;

  const hasPeriod = (period: number) => characters.every((one, at) => at < period || one === characters[at - period]);
  const half = Math.floor(characters.length / 2);
  return Array.from({ length: half }, (_, index) => index + 1).some(hasPeriod);
}

const rows = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop[]",
  "asdfghjkl;'",
  "zxcvbnm,./",
  "qwertzuiopü",
  "yxcvbnm",
  "azertyuiop",
  "qsdfghjklm",
  "wxcvbn",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
  "!@#$%^&*()_+",
];
const neighbours = new Set(rows.flatMap((row) => pairs(row).flatMap((pair) => [pair, pair[1]! + pair[0]!])));

/** Keys in a row, either way, in runs of four and more on the average. */
function isKeyboardRun(password: string): boolean {
  const breaks = pairs(password).filter((pair) => !neighbours.has(pair) && pair[0] !== pair[1]).length;
  return breaks + 1 <= password.length / 4;
}

function pairs(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2));
}

function localParts(email: string): string[] {
  const local = email.slice(0, email.lastIndexOf("@"));
  const [name = ""] = local.split("+");
  return [local, name].filter((part) => lettersAndDigits(part).length >= 4);
}

function contains(password: string, word: string): boolean {
  return password.includes(word) || lettersAndDigits(password).includes(lettersAndDigits(word));
}

function lettersAndDigits(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}
