import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pino } from "pino";
import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createPasswords } from "../../app/password/password.ts";
import { ada, addLink, addUser, hasPassword, openSession } from "../support/accounts.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { portOf, serveApp } from "../support/web.ts";

type Respond = (response: ServerResponse, request: IncomingMessage) => unknown;

const { sql } = await createDatabase();
const password = "correct horse battery staple";
const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
const [prefix, suffix] = [hash.slice(0, 5), hash.slice(5)];
const other = "0".repeat(35);

let respond: Respond;
const requests: { line: string; headers: string[]; body: string }[] = [];
const api = createServer((request, response) => {
  const { method, url, rawHeaders } = request;
  const seen = { line: `${method} ${url}`, headers: rawHeaders, body: "" };
  requests.push(seen);
  request.on("data", (chunk) => (seen.body += String(chunk)));
  respond(response, request);
}).listen(0, "127.0.0.1");
await once(api, "listening");
const apiUrl = `http://127.0.0.1:${portOf(api)}`;
cleanUp(() => {
  api.closeAllConnections();
  api.close();
});

let logged = "";
const log = pino({ level: "trace" }, { write: (line: string) => void (logged += line) });
const cost = { memoryCost: 8, timeCost: 1, parallelism: 1 };
const serve = async (rangeUrl: string, options = {}) =>
  request(await serveApp(sql, { log, passwords: createPasswords({ cost, rangeUrl }), ...options }));
const site = await serve(apiUrl);

beforeEach(async () => {
  await empty(sql);
  requests.length = 0;
  logged = "";
});

const range =
  (...lines: string[]): Respond =>
  (response) =>
    response.end(lines.join("\r\n"));
const found = range(`${other}:3`, `${suffix}:42`);
const signUp = (from = site, form: object = { ...ada, password }) => from.post("/signup").type("form").send(form);

describe("a password that the range API knows", () => {
  beforeEach(() => {
    respond = found;
  });

  it("is refused at the signup, with the reason and a way out", async () => {
    const { text } = await signUp().expect(422);
    expect(text).toContain("This password is known from a data breach. Choose a few random words instead.");
    expect(await sql`select from usr`).toHaveLength(0);
  });

  it("is refused wherever else a password is chosen", async () => {
    const usrId = await addUser(sql, ada, false);
    const tokens = [await addLink(sql, "verify", usrId), await addLink(sql, "reset", usrId)];
    const cookie = await openSession(sql, usrId);
    const post = (path: string, form: object) => site.post(path).set("Cookie", cookie).type("form").send(form);

    await post("/verify", { token: tokens[0], password }).expect(422, /data breach/);
    await post("/password/reset", { token: tokens[1], password }).expect(422, /data breach/);
    const change = { password: ada.password, new_password: password };
    await post("/account/password", change).expect(422, /data breach/);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it("is refused the same for an address with an account and one without", async () => {
    await addUser(sql);
    const responses = [await signUp(), await signUp(site, { email: "bob@example.com", password })];
    const [known, unknown] = responses.map(({ status, text }) => [status, text.replaceAll(/\w+@example.com/g, "")]);
    expect(known).toEqual(unknown);
    expect(requests[0]).toEqual(requests[1]);
  });

  it("leaves the process as five hex digits alone, in a request that asks for padding", async () => {
    await signUp().expect(422);
    expect(requests).toEqual([{ line: `GET /range/${prefix}`, headers: expect.any(Array) as string[], body: "" }]);
    const headers = requests[0]!.headers.join("\n").toLowerCase();
    expect(headers).toContain("add-padding\ntrue");
    for (const secret of [suffix, password, ada.email, "cookie", "authorization", "referer"]) {
      expect(headers).not.toContain(secret.toLowerCase());
    }
    expect(logged).not.toMatch(new RegExp(`${prefix}|${suffix}`, "i"));
  });

  it("is asked about only when the local rules find nothing", async () => {
    await signUp(site, { ...ada, password: "password1234567" }).expect(422, /Many people/);
    await signUp(site, { ...ada, password: "short" }).expect(422);
    expect(requests).toEqual([]);
  });
});

describe("a password that the range API does not know", () => {
  it.each<[string, Respond]>([
    ["is not in the range", range(`${other}:3`)],
    ["is in the range as padding", range(`${other}:3`, `${suffix}:0`)],
  ])("is taken without a word in the log: it %s", async (_, response) => {
    respond = response;
    await signUp().expect(303);
    expect(requests).toHaveLength(1);
    expect(logged).not.toContain("range API");
  });
});

describe("a range API that fails", () => {
  it.each<[string, Respond]>([
    ["hangs", () => undefined],
    ["hangs within its response", (response) => response.write(`${suffix}:42`)],
    ["responds with 500", (response) => response.writeHead(500).end(`${suffix}:42`)],
    ["sends garbage", range("<html>", `${suffix}:42`)],
    ["sends nothing", range("")],
    ["disconnects", (response) => response.destroy()],
    ["disconnects within its response", (response) => response.write(`${suffix}:4`, () => response.destroy())],
    ["redirects", (response) => response.writeHead(302, { Location: `/range/${other}` }).end()],
  ])("lets the password pass within a second, and logs that, when it %s", async (_, response) => {
    respond = response;
    const started = performance.now();
    await signUp().expect(303);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
    expect(requests).toHaveLength(1);

    const lines = logged.split("\n").filter((line) => line.includes("range API failed"));
    expect(lines).toHaveLength(1);
    expect(logged).not.toMatch(new RegExp(`${prefix}|${suffix}|${password}|${ada.email}`, "i"));
  });

  it("lets the password pass when it refuses connections", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const url = `http://127.0.0.1:${portOf(closed)}`;
    closed.close();
    await signUp(await serve(url)).expect(303);
    expect(logged).toContain("ECONNREFUSED");
  });

  it("lets the password pass when it sends without end, and reads no more", async () => {
    const part = Buffer.alloc(64 * 1024, `${other}:3\n`);
    let parts = 0;
    respond = (response) => {
      const more = () => void (!response.destroyed && (parts += 1) && response.write(part, more));
      more();
    };
    await signUp().expect(303);
    expect(logged).toContain("sent too much");
    expect(parts).toBeLessThan(400);
  });

  it("is asked no longer than the deadline of the request", async () => {
    const { promise: disconnected, resolve } = Promise.withResolvers<number>();
    const started = performance.now();
    respond = (response) => response.on("close", () => resolve(performance.now() - started));
    await signUp(await serve(apiUrl, { deadlineSeconds: 0.2 })).expect(503);
    expect(await disconnected).toBeLessThan(900);
    expect(await sql`select from usr`).toHaveLength(0);
  });
});
