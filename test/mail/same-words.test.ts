import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { render } from "../../worker/mail/mailer.ts";

const folder = new URL("../../views/mail/", import.meta.url);
const views = readdirSync(folder).flatMap((file) => /^(?!layout)(.+)\.html\.ejs$/.exec(file)?.[1] ?? []);
const data = { token: "token", day: "Friday", signed_up: "1", verified: "2", mails_sent: "3", tasks_dead: "4" };

it.each(views)("the HTML and the text of the mail %s use the same words", async (view) => {
  const mail = { view, subject: "", to: "ada@example.com", path: "/path", data };
  const [html, text] = await render(mail, "https://example.com");
  expect(wordsOf(html.replace(/<head>[^]*<\/head>/, "").replaceAll(/<[^>]+>/g, " "))).toEqual(wordsOf(text));
});

function wordsOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("&#39;", "'")
    .replaceAll(/https:\S+|or copy this address into your browser/g, "");
  return [...new Set(plain.match(/[\w@'-]+/g))].toSorted();
}
