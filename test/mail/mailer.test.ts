import { describe, expect, it } from "vitest";
import { render } from "../../worker/mail/mailer.ts";

const origin = "https://signup.example.com";

const toVerify = { path: "/verify?token=a-b_c", data: { token: "a-b_c" } };
const digest = { day: "Friday, 20 November 2026", signed_up: "1", verified: "2", mails_sent: "3", tasks_dead: "4" };
const at = (path: string) => ({ path, data: {} });
const verification = ["/verify?token=a-b_c", "/signup/refuse?token=a-b_c"];

describe.each<[view: string, links: string[], letter?: { path: string; data: Record<string, string> }]>([
  ["welcome", verification, toVerify],
  ["reminder", verification, toVerify],
  ["already-registered", ["/"]],
  ["password-reset", ["/password/reset?token=a-b_c"], at("/password/reset?token=a-b_c")],
  ["password-changed", ["/password/forgot"], at("/password/forgot")],
  ["confirm-address", ["/account/email/confirm?token=a-b_c"], at("/account/email/confirm?token=a-b_c")],
  ["address-changed", ["/account/email/revert?token=a-b_c"], at("/account/email/revert?token=a-b_c")],
  ["farewell", ["/"]],
  ["log-in-blocked", ["/password/forgot"], at("/password/forgot")],
  ["digest", ["/ops"], { path: "/ops", data: digest }],
])("the mail %s", (view, paths, letter) => {
  const mail = (to: string) => render({ view, subject: "Subject & all", to, ...letter }, origin);
  const ours = paths.map((path) => origin + path);

  it("uses the same words in HTML and in text: the address, the link, the reason", async () => {
    const [html, text] = await mail("ada@example.com");
    for (const part of [html, text]) {
      expect(part).toContain("ada@example.com");
      for (const link of ours) expect(part).toContain(link);
      expect(part).toMatch(/You get this email because/);
    }
    expect(wordsOf(html.replace(/<head>[^]*<\/head>/, "").replaceAll(/<[^>]+>/g, " "))).toEqual(wordsOf(text));
  });

  it("escapes all that came from outside in the HTML, and nothing in the text", async () => {
    const [html, text] = await mail(`"<b>&'@example.com`);
    expect(html).not.toContain("<b>");
    expect(html).toContain("<title>Subject &amp; all</title>");
    expect(text).toContain(`"<b>&'@example.com`);
  });

  it("hides no text: its preview is a sentence of its own above the heading", async () => {
    const [html] = await mail("ada@example.com");
    expect(html).not.toMatch(/display: *none|visibility|opacity|mso-hide|max-height|font-size: *[01]px|\shidden/);
    const [, body = ""] = html.split(/<body[^>]*>/);
    const [first = "", second] = body.split(/\s*<[^>]*>\s*/).filter((text) => text !== "");
    expect(first).toMatch(/^[A-Z].{20,}\.$/);
    expect(/<h1[^>]*>(.*)<\/h1>/.exec(html)?.[1]).toBe(second);
  });

  it("loads nothing and has no tracking", async () => {
    const [html] = await mail("ada@example.com");
    expect(html).not.toMatch(/<img|<link|<script|url\(/i);
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
    expect(new Set(links)).toEqual(new Set(ours));
  });
});

function wordsOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("&#39;", "'")
    .replaceAll(/https:\S+|or copy this address into your browser/g, "");
  return [...new Set(plain.match(/[\w@'-]+/g))].toSorted();
}
