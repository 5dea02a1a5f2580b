import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada, addUser, openSession, passwords } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql, { passwords });
const browser = openBrowser();

const owner = await addUser(sql);
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const [name, value] = (await openSession(sql, owner, { browser: firefox, address: "192.0.2.7" })).split("=") as [
  string,
  string,
];
await fill();

it.each([
  ["signup", "/signup", { width: 640, height: 660 }],
  ["account", "/account", { width: 640, height: 1060 }],
])("%s", async (picture, path, viewport) => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.visit(`${site}/signup`, { colorScheme, viewport, reducedMotion: "reduce" });
    if (path !== "/signup") await page.context().addCookies([{ name, value, url: site }]);
    await page.goto(site + path);
    if (path === "/signup") await page.getByLabel("Email address").fill(ada.email);

    const file = fileURLToPath(new URL(`../../.github/${picture}-${colorScheme}.png`, import.meta.url));
    await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
    expect((await stat(file)).size).toBeGreaterThan(5000);
  }
});

async function fill(): Promise<void> {
  const mail = { task_type: "SEND_EMAIL_WELCOME", task_id: "1", subject: `Welcome to ${siteName}` };
  await sql`
    insert into event (event_type, usr_id, data)
    values
      ('SIGNED_UP', ${owner}, '{}'),
      ('MAIL_SENT', ${owner}, ${sql.json(mail)}),
      ('EMAIL_VERIFIED', ${owner}, '{}'),
      ('LOGGED_IN', ${owner}, '{}')
  `;
}
