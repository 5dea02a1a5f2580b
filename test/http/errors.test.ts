import { once } from "node:events";
import { connect as connectTo, createServer } from "node:net";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { passwords } from "../support/accounts.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { portOf, serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const site = request(url);

const ada = { email: "ada@example.com", password: "twelve engines hum" };
const post = () => site.post("/signup");

describe("an invalid request", () => {
  it.each([
    [404, "an unknown path", () => site.get("/nowhere")],
    [404, "an unknown path, posted to", () => site.post("/nowhere").type("form").send(ada)],
    [405, "a wrong method", () => site.put("/signup").type("form").send(ada)],
    [405, "an unusual method", () => site.propfind("/signup")],
    [400, "malformed JSON", () => post().type("json").send("{")],
    [400, "JSON that is not an object", () => post().type("json").send("[]")],
    [400, "a field called __proto__", () => post().type("json").send('{"__proto__":{"email":"a"}}')],
    [
      413,
      "a form that is too large",
      () =>
        post()
          .type("form")
          .send(`email=${"a".repeat(20_000)}`),
    ],
    [
      413,
      "JSON that is too large",
      () =>
        post()
          .type("json")
          .send(JSON.stringify({ email: "a".repeat(20_000) })),
    ],
    [415, "a wrong content type", () => post().type("text/plain").send("email=a")],
    [415, "no content type", () => post()],
    [415, "another character set", () => post().set("Content-Type", "application/json; charset=utf-16").send("{}")],
    [415, "a compressed body", () => post().type("json").set("Content-Encoding", "gzip").send("{}")],
  ])("gets %i for %s, as a page or as JSON", async (status, _, send) => {
    const page = await send().set("Accept", "text/html");
    expect(page.status).toBe(status);
    expect(page.headers["cache-control"]).toBe("no-store");

    const json = await send().set("Accept", "application/json");
    expect(json.status).toBe(status);
    const isForm = /urlencoded/.test(json.request.get("Content-Type"));
    expect(json.type).toBe(isForm ? "text/html" : "application/json");
  });

  it.each([
    "/signup",
    "/signup/refuse",
    "/verify",
    "/verify/resend",
    "/login",
    "/password/forgot",
    "/password/reset",
    "/account/email/revert",
  ])("gets 400 for JSON that is nested thousands of levels deep, at %s", async (path) => {
    const nest = (levels: number) => `{"email":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    await site.post(path).type("json").send(nest(7_900)).expect(400);
    await site
      .post(path)
      .type("json")
      .send(`${'{"a":'.repeat(2_500)}1${"}".repeat(2_500)}`)
      .expect(400);
    expect((await site.post(path).type("json").send(nest(3))).status).not.toBe(400);
  });

  it("may have its media type in capitals", async () => {
    await post().set("Content-Type", "APPLICATION/JSON").send(JSON.stringify({})).expect(422);
  });

  it("gets 400 for bytes that are not UTF-8: they would become another password", async () => {
    const body = Buffer.concat([Buffer.from("email=a@example.com&password=twelve engines hum "), Buffer.from([0xff])]);
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const { status } = await fetch(`${url}/signup`, { method: "POST", body, headers });
    expect(status).toBe(400);
  });

  it("gets 408 when its body does not come in time", async () => {
    const hasty = await serveApp(sql, { deadlineSeconds: 0.2 });
    const socket = connectTo(Number(new URL(hasty).port), "127.0.0.1");
    cleanUp(() => socket.destroy());
    socket.write("POST /signup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{");
    const [response] = (await once(socket, "data")) as [Buffer];
    expect(response.toString()).toContain("HTTP/1.1 408 Request Timeout");
  });

  it("lists the methods of its path with 405", async () => {
    const { headers } = await site.delete("/signup").expect(405);
    expect(headers["allow"]).toBe("HEAD, GET, POST");
  });
});

describe("a POST from another site", () => {
  const from = (headers: Record<string, string>) => post().type("form").send(ada).set(headers);

  it.each([
    [{ "Sec-Fetch-Site": "cross-site" }],
    [{ "Sec-Fetch-Site": "same-site" }],
    [{ Origin: "https://evil.example" }],
    [{ Origin: "null" }],
    [{ Origin: url, "Sec-Fetch-Site": "cross-site" }],
  ])("is refused: %o", async (headers) => {
    await from(headers).expect(403);
    expect(await sql`select * from usr`).toEqual([]);
  });

  it.each([[{ "Sec-Fetch-Site": "same-origin" }], [{ "Sec-Fetch-Site": "none" }], [{ Origin: url }], [{}]])(
    "is not one with %o",
    async (headers) => {
      await from(headers).expect(303);
      await empty(sql);
    },
  );
});

describe("a database that does not respond", () => {
  it("costs a client at most the deadline, then a page that says that trying again is safe", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const away = connect(
      { DATABASE_URL: `postgres://127.0.0.1:${portOf(silent)}/none`, DATABASE_SSL: "off", DATABASE_POOL: 1 },
      "test",
    );
    cleanUp(async () => {
      await away.end({ timeout: 0 });
      silent.close();
    });

    const response = await request(await serveApp(away, { deadlineSeconds: 0.5 }))
      .post("/signup")
      .type("form")
      .send(ada);
    expect(response.status).toBe(503);
    expect(response.headers["retry-after"]).toBe("5");
    expect(response.text).toContain("Trying again is safe");
  });
});

describe("a full password queue", () => {
  it("gets 503 with Retry-After", async () => {
    const full = () => Promise.reject(Object.assign(new Error("full"), { status: 503 }));
    const { headers } = await request(await serveApp(sql, { passwords: { ...passwords, hash: full, verify: full } }))
      .post("/signup")
      .type("json")
      .send(JSON.stringify(ada))
      .expect(503, /Trying again is safe/);
    expect(headers["retry-after"]).toBe("5");
  });
});
