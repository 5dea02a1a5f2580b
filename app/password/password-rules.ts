import { adjacencyGraphs } from "@zxcvbn-ts/language-common";
import { siteName } from "../env.ts";
import { isCommon, lettersAndDigits, stemOf, unitOf } from "./common-passwords.ts";

const minLength = 15;
const maxLength = 256;
export const tooShort = `Enter a password of at least ${minLength} characters.`;
const instead = "Choose a few random words instead.";
export const breached = `This password is known from a data breach. ${instead}`;

/** NFKC: the same password has the same bytes from any keyboard (NIST SP 800-63B-4, 3.1.1.2). */
export function normalizePassword(text: string): string {
  return text.normalize("NFKC");
}

/**
 * What is wrong with a password as it was typed, for the person who chose it. Length counts code points, before and
 * after normalization. No rule asks for digits or signs: NIST SP 800-63B-4 forbids that, and requires the blocklist.
 */
export function problemWithPassword(typed: string, email: string, site = siteName): string | undefined {
  const password = normalizePassword(typed);
  const length = Array.from(password).length;
  if (length === 0) return tooShort;
  if (!typed.isWellFormed()) return "The password contains an invalid character. Enter it again.";
  if (length < minLength || Array.from(typed).length < minLength) return tooShort;
  if (length > maxLength) return `Enter a password of at most ${maxLength} characters.`;

  const lower = password.toLowerCase();
  if (isRepetition(lower)) return `This password repeats itself and is easy to guess. ${instead}`;
  if (isCommon(lower)) return `Many people use this password or one like it. ${instead}`;
  if (isKeyboardRun(lower)) return `This password follows the keyboard or the alphabet. ${instead}`;
  if (isAbout(lower, [site.toLowerCase()])) return `This password contains the name of this site, ${site}. ${instead}`;
  if (isAbout(lower, partsOf(email))) return `This password contains your email address. ${instead}`;
  return undefined;
}

/** Whether it repeats one unit, with or without signs between, or has very few different characters. */
function isRepetition(password: string): boolean {
  const words = lettersAndDigits(password);
  const texts = words.length > password.length / 2 ? [password, words] : [password];
  return new Set(password).size < 5 || texts.some((text) => unitOf(text) !== text);
}

const neighbors = new Set<string>();
for (const graph of Object.values(adjacencyGraphs)) {
  // A key is written with all its characters, "aA".
  for (const [character, keys] of Object.entries(graph))
    for (const key of keys.join("")) neighbors.add(character + key);
}

/** Neighboring keys or letters, in runs of four and more on average. */
function isKeyboardRun(password: string): boolean {
  const pairs = Array.from({ length: password.length - 1 }, (_, at) => password.slice(at, at + 2));
  const breaks = pairs.filter(
    (pair) => !neighbors.has(pair) && Math.abs(pair.charCodeAt(0) - pair.charCodeAt(1)) > 1,
  ).length;
  return breaks + 1 <= password.length / 4;
}

/** The address, and its local part with and without the +tag. */
function partsOf(email: string): string[] {
  const local = email.slice(0, email.lastIndexOf("@"));
  const [name = ""] = local.split("+");
  return [email, local, name];
}

/** Whether it contains one of the words, or is little more than a short one. */
function isAbout(password: string, words: string[]): boolean {
  const stem = stemOf(password);
  return words.some((word) => (isLong(word) && contains(password, word)) || (stem !== "" && stem === stemOf(word)));
}

/** Shorter words are part of too many others. */
function isLong(word: string): boolean {
  return lettersAndDigits(word).length >= 4;
}

function contains(password: string, word: string): boolean {
  return password.includes(word) || lettersAndDigits(password).includes(lettersAndDigits(word));
}
