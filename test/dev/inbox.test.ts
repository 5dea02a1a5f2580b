import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { mailbox } from "../../dev/mailbox.ts";
import { saveMail } from "../../dev/mails.ts";
import { axeViolations, openBrowser } from "../support/browser.ts";
import { openTab } from "../support/browser-session.ts";
import { serveApp } from "../support/web.ts";

// Neither the inbox nor the start page uses the database.
const sql = connect({ DATABASE_URL: "postgres://127.0.0.1:1/none", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
const browser = openBrowser();
const to = ["ada@example.com"];

let folder: string;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/signup-inbox-`);
  url = await serveApp(sql, { moreRoutes: [mailbox(folder)] });
});
afterAll(() => rm(folder, { recursive: true }));

describe("the inbox in a browser", () => {
  it("passes axe in each state", async () => {
    const page = await browser.visit(`${url}/dev/mailbox`);
    expect(await axeViolations(page)).toEqual([]);

    await saveMail(folder, { raw: Buffer.from("Subject: Plain\r\n\r\nText"), from: "", to });
    await page.reload();
    expect(await axeViolations(page)).toEqual([]);

    await page.getByRole("link", { name: "Plain" }).click();
    for (const name of ["Headers", "Source"]) await page.getByText(name, { exact: true }).click();
    expect(await axeViolations(page)).toEqual([]);
  });

  it.each([true, false])("opens a mail's link beside it, JavaScript on: %s", async (javaScriptEnabled) => {
    const raw = Buffer.from(`Subject: Hello\r\nContent-Type: text/html\r\n\r\n<a href="${url}/">Open the site</a>`);
    await saveMail(folder, { raw, from: "site@example.com", to });
    const page = await browser.visit(`${url}/dev/mailbox`, { javaScriptEnabled });

    await page.getByRole("link", { name: "Hello" }).first().click();
    const opened = await openTab(page, page.frameLocator("iframe"), "Open the site");

    expect(opened.url()).toBe(`${url}/`);
  });
});
