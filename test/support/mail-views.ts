import { describe, expect, it } from "vitest";
import { render } from "../../worker/mail/mailer.ts";

const origin = "https://signup.example.com";

/** Where its link leads, and what its view shows. */
type Letter = { path: string; data: Record<string, string> };

/** Tests what all mails promise. `paths` are those that this one links to. */
export function testMail(view: string, paths: string[], letter?: Letter): void {
  describe(`the mail ${view}`, () => {
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
}

function wordsOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("&#39;", "'")
    .replaceAll(/https:\S+|or copy this address into your browser/g, "");
  return [...new Set(plain.match(/[\w@'-]+/g))].toSorted();
}
