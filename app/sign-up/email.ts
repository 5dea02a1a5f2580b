import { domainToASCII } from "node:url";

// The pattern of input type=email (WHATWG HTML, "valid e-mail address"), with at least one dot in the domain. No
// top-level domain begins with a digit: a last label that does belongs to an IP address.
const pattern =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Trims, lower-cases, and writes an international domain in ASCII. */
export function normalizeEmail(text: string): string {
  const [, local = "", domain = ""] = /^(.*)@([^@]*)$/s.exec(text.trim()) ?? [];
  // Only ASCII is lower-cased: a letter such as the Kelvin sign would become another person's address.
  const ascii = /^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain);
  return `${local}@${ascii}`.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What is wrong with a normalized address, in words for a page. */
export function problemWithEmail(email: string): string | undefined {
  if (email === "@") return "Enter your email address, like name@example.com.";
  if (email.length > 254) return "Your email address must have 254 characters or fewer.";
  if (!pattern.test(email)) return "Enter an email address in the format name@example.com.";
  return undefined;
}
