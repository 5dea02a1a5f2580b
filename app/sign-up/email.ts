import { domainToASCII } from "node:url";

// The pattern of input type=email (WHATWG HTML, "valid e-mail address"), with at least one dot in the domain. No top-level domain
// begins with a digit: a last label that does belongs to an IP address.
const pattern =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Trims, lower-cases, and writes a domain of any script in ASCII. */
export function normaliseEmail(text: string): string {
  const [, local = "", domain = ""] = /^(.*)@([^@]*)$/s.exec(text.trim()) ?? [];
  // ASCII alone is lower-cased: letters such as the Kelvin sign would turn into another person's address.
  const ascii = /^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain);
  return `${local}@${ascii}`.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What is wrong with a normalised address, for the person who typed it. */
export function problemWithEmail(email: string): string | undefined {
  if (email === "@") return "Enter your e-mail address, like name@example.com.";
  if (email.length > 254) return "This e-mail address is too long: 254 characters at most.";
  if (!pattern.test(email)) return "This does not look like an e-mail address. It should be like name@example.com.";
  return undefined;
}
