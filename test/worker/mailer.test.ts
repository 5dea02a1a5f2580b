import { describe, expect, it } from "vitest";
import { render } from "../../worker/mailer.ts";

const origin = "https://signup.example.com";

describe.each(["welcome", "already-registered"])("the mail %s", (view) => {
  const mail = (to: string) => render({ view, subject: "Subject & all", to }, origin);

  it("says the same in HTML and in text: the address, the link, the reason", async () => {
    for (const part of await mail("ada@example.com")) {
      expect(part).toContain("ada@example.com");
      expect(part).toContain(origin);
      expect(part).toMatch(/You get this mail because/);
    }
  });

  it("escapes all that came from outside in the HTML, and nothing in the text", async () => {
    const [html, text] = await mail(`"<b>&'@example.com`);
    expect(html).not.toContain("<b>");
    expect(html).toContain("<title>Subject &amp; all</title>");
    expect(text).toContain(`"<b>&'@example.com`);
  });

  it("loads nothing and tracks nobody", async () => {
    const [html] = await mail("ada@example.com");
    expect(html).not.toMatch(/<img|<link|<script|url\(/i);
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
    expect(new Set(links)).toEqual(new Set([`${origin}/`]));
  });
});
