import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createTransport } from "nodemailer";
import supertest from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../app/app.ts";
import { connect } from "../../app/db/connect.ts";
import { createLog } from "../../app/log.ts";
import { mailbox } from "../../dev/mailbox.ts";
import { deleteMails, saveMail } from "../../dev/mails.ts";
import { startSmtp, type Smtp } from "../../dev/smtp.ts";

const origin = "http://localhost:3000";
// No page of the inbox uses the database.
const sql = connect({ DATABASE_URL: "postgres://127.0.0.1:1/none", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");

let root: string;
let folder: string;
let smtp: Smtp;
let request: ReturnType<typeof supertest>;

beforeAll(async () => {
  root = await mkdtemp(`${tmpdir()}/signup-mailbox-`);
  folder = `${root}/mailbox`;
  smtp = await startSmtp({ onMail: (mail) => saveMail(folder, mail) });
  const app = createApp({ sql, log: createLog("silent", "web"), origin, moreRoutes: [mailbox(folder)] });
  request = supertest(app.callback());
});
beforeEach(() => deleteMails(folder));
afterAll(async () => {
  await smtp.stop();
  await sql.end();
  await rm(root, { recursive: true });
});

async function send(mail: { to?: string; subject?: string; text?: string; html?: string }): Promise<void> {
  const transport = createTransport(smtp.url);
  await transport.sendMail({ from: "Site <site@example.com>", to: "ada@example.com", ...mail });
}

async function pathOfNewest(): Promise<string> {
  const { text } = await request.get("/dev/mailbox").expect(200);
  return /href="(\/dev\/mailbox\/[^"]+)"/.exec(text)?.[1] ?? "";
}

describe("GET /dev/mailbox", () => {
  it("says how to get a mail when there is none", async () => {
    const { text } = await request.get("/dev/mailbox").expect(200);

    expect(text).toContain("No mail yet");
  });

  it("lists subject and recipients, newest first", async () => {
    await send({ subject: "First", to: "ada@example.com" });
    await send({ subject: "Zweiter <Gruß>", to: "bob@example.com, eve@example.com" });

    const { text } = await request.get("/dev/mailbox").expect(200);

    expect(text).toMatch(/Zweiter &lt;Gruß&gt;<[^]*bob@example\.com, eve@example\.com<[^]*First<[^]*ada@example\.com</);
  });

  it("lists no mail that is still being written", async () => {
    await send({ subject: "Whole" });

    expect(await readdir(folder)).toEqual([expect.stringMatching(/^\d+-[0-9a-f]+\.eml$/)]);
  });
});

describe("GET /dev/mailbox/:id", () => {
  it("shows text, headers and source, escaped, and frames the HTML", async () => {
    await send({ subject: "Hello", text: "Is 1 < 2?", html: "<p>Yes</p>" });
    const path = await pathOfNewest();

    const { text, headers } = await request.get(path).expect(200);

    expect(text).toContain("<h1>Hello</h1>");
    expect(text).toContain("Site &lt;site@example.com&gt;");
    expect(text).toContain("Is 1 &lt; 2?");
    expect(text).toContain("Delivered-To: ada@example.com");
    expect(text).toContain("Content-Type: multipart/alternative");
    expect(text).toContain(`src="${path}/html"`);
    expect(headers["content-security-policy"]).toMatch(/default-src 'none';.*;frame-src 'self'$/);
  });

  it("has no frame for a mail without HTML", async () => {
    await send({ subject: "Plain", text: "Only text" });

    const { text } = await request.get(await pathOfNewest()).expect(200);

    expect(text).not.toContain("<iframe");
  });

  it.each(["1732119252345-0a1b2c3d", "x", "..%2fsecret"])("responds 404 for %s", async (id) => {
    await writeFile(`${root}/secret.eml`, "Subject: Secret\r\n\r\nNobody's business");

    await request.get(`/dev/mailbox/${id}`).expect(404);
  });
});

describe("GET /dev/mailbox/:id/html", () => {
  it("serves the mail's HTML without script and in another origin, with links that open in a new tab", async () => {
    const html = '<!doctype html><html><head><title>Hi</title></head><body><a href="/x">x</a></body></html>';
    await send({ subject: "Hello", html });

    const { text, headers } = await request.get(`${await pathOfNewest()}/html`).expect(200);

    expect(text).toContain('<!doctype html><html><head><base target="_blank"><title>Hi</title>');
    expect(headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "x-frame-options": "SAMEORIGIN" });
    expect(headers["content-security-policy"]).toMatch(
      /^sandbox allow-popups .*;default-src 'none';.*frame-ancestors 'self'$/,
    );
  });

  it("responds 404 for a mail without HTML", async () => {
    await send({ subject: "Plain", text: "Only text" });

    await request.get(`${await pathOfNewest()}/html`).expect(404);
  });
});

describe("POST /dev/mailbox/empty", () => {
  it("deletes every mail and shows the list", async () => {
    await send({ subject: "Old" });

    await request.post("/dev/mailbox/empty").expect(303).expect("Location", "/dev/mailbox");

    expect(await readdir(folder)).toEqual([]);
  });

  it("deletes nothing for another site", async () => {
    await send({ subject: "Old" });

    await request.post("/dev/mailbox/empty").set("Sec-Fetch-Site", "cross-site").expect(403);

    expect(await readdir(folder)).toHaveLength(1);
  });
});
