import { pino } from "pino";
import request from "supertest";
import { expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

const { sql, url } = await createDatabase();
const smtp = await receiveMails();
const worker = runWorker(url, smtp.url, { LOG_LEVEL: "trace" });
const lines: string[] = [];
const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
const site = request.agent(await serveApp(sql, { log }));

const email = "ada@example.com";
const [first, second, third] = ["twelve engines hum", "another good secret", "a third good secret"];
const cookies = new Set<string>();

async function post(path: string, form: object): Promise<void> {
  const response = await site.post(path).type("form").send(form);
  for (const cookie of response.get("Set-Cookie") ?? []) cookies.add(cookie.split(";")[0]!);
}

/** The token in the newest mail with such a link. */
const tokenIn = (path: string, count = 1) =>
  until(`a mail with ${path}`, () => {
    const tokens = smtp.mails.flatMap(({ text = "" }) => text.split(`${path}?token=`)[1]?.slice(0, 43) ?? []);
    return tokens.length >= count ? tokens.at(-1) : undefined;
  });

it("leaves no password and no token in a log, in the params of a task, or in any table", async () => {
  await sql`create table task_params as select params from task`;
  await sql`
    create function keep() returns trigger language plpgsql
    as $$ begin insert into task_params values (new.params); return new; end $$
  `;
  await sql`create trigger keep after insert on task for each row execute function keep()`;

  await post("/signup", { email, password: first });
  const links = [await tokenIn("/verify")];
  await site.get("/verify").query({ token: links[0] }).expect(200);
  await post("/verify", { token: links[0], password: second });
  await post("/login", { email, password: first });
  await post("/login", { email, password: second });
  await post("/password/forgot", { email });
  links.push(await tokenIn("/password/reset"));
  await post("/password/reset", { token: links[1], password: third });
  await post("/login", { email, password: third });
  await sql`update session set proved_at = 'epoch'`;
  await post("/account/password", { new_password: second });
  await post("/proof", { password: third, to: "/account/email", method: "post", email: "ada@example.org" });
  await post("/account/email", { password: third, email: "ada@example.org" });
  links.push(await tokenIn("/account/email/confirm"));
  await post("/account/email/confirm", { token: links[2] });
  links.push(await tokenIn("/account/email/revert"));
  // An unused link stays in the table.
  await post("/signup", { email: "bob@example.com", password: first });
  links.push(await tokenIn("/verify", 2));
  await until("no task is left", async () => (await sql`select from task`).length === 0);
  await worker.end();

  const tokens = [...cookies]
    .filter((cookie) => /^(session|signup|browser)=./.test(cookie))
    .map((cookie) => cookie.split("=")[1]!);
  expect(new Set(links).size).toBe(5);
  expect(tokens.length).toBeGreaterThanOrEqual(6);
  const raw = [...links, ...tokens].flatMap((token) => [token, Buffer.from(token, "base64url").toString("hex")]);
  const places = { web: lines.join(""), worker: worker.output(), tables: await allRows() };
  expect(places.web).toContain("/account/email/confirm");
  expect(places.worker).toContain("SEND_EMAIL_ADDRESS_CHANGED");
  expect(places.tables).toContain("ada@example.org");

  for (const [place, text] of Object.entries(places)) {
    const found = [first, second, third, ...raw].filter((secret) => text.includes(secret));
    expect({ place, found }).toEqual({ place, found: [] });
  }
  expect(places.web + places.worker).not.toMatch(/@example\.(com|org)\b(?<!hello@example\.com)/);
});

async function allRows(): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'
  `;
  const texts = await Promise.all(
    tables.map(({ name }) => sql<{ text: string }[]>`select to_jsonb(t)::text as text from ${sql(name)} as t`),
  );
  return texts.flatMap((rows) => rows.map(({ text }) => text)).join("\n");
}
