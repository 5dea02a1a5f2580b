import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const origin = "https://signup.example.com";
const url = await serveApp(sql, { origin });
const site = request(url);
const ada = { email: "ada@example.com", password: "twelve engines hum" };

describe("under an https origin, a request that came to the proxy by plain http", () => {
  it.each(["/", "/signup?from=mail", "/verify?token=abc%2Bd", "//evil.example/x", "/nowhere"])(
    "is redirected to https: GET and HEAD %s",
    async (path) => {
      for (const method of ["GET", "HEAD"]) {
        const headers = { "X-Forwarded-Proto": "http" };
        const response = await fetch(url + path, { method, headers, redirect: "manual" });
        expect(response.status).toBe(308);
        expect(response.headers.get("location")).toBe(origin + path);
      }
    },
  );

  it.each([
    ["http://evil.example/x", "/x"],
    ["*", "/"],
  ])("never redirects to another site: GET %s", async (path, ownPath) => {
    const headers = { "X-Forwarded-Proto": "http" };
    const [response] = (await once(get(url, { path, headers }), "response")) as [IncomingMessage];
    response.resume();
    expect(response.headers.location).toBe(origin + ownPath);
  });

  it("gets 403 with a reason when it may carry a password", async () => {
    const post = () => site.post("/signup").set("X-Forwarded-Proto", "HTTP");
    await post()
      .type("form")
      .send(ada)
      .expect(403, /Use https[^]*did nothing/);
    await post().type("json").send(ada).expect(403, /https/);
    await site.delete("/signup").set("X-Forwarded-Proto", "http").expect(403);
    expect(await sql`select from usr`).toEqual([]);
  });

  it("is served when it is a health check", async () => {
    const probe = (path: string) => site.get(path).set("X-Forwarded-Proto", "http");
    await probe("/healthz").expect(200);
    await probe("/readyz").expect(200);
  });
});

describe("under an https origin, a request is served", () => {
  it.each(["https", "HTTPS", "https, http"])("that came by %s", async (proto) => {
    await site.get("/signup").set("X-Forwarded-Proto", proto).expect(200);
  });

  it("without X-Forwarded-Proto, or without a trusted proxy: a redirect might loop", async () => {
    await site.get("/signup").expect(200);
    const untrusting = request(await serveApp(sql, { origin, trustProxy: 0 }));
    await untrusting.get("/signup").set("X-Forwarded-Proto", "http").expect(200);
  });
});

describe("under an http origin, a request is served", () => {
  it("whatever scheme the proxy names", async () => {
    await request(await serveApp(sql))
      .get("/signup")
      .set("X-Forwarded-Proto", "http")
      .expect(200);
  });
});

describe("the Origin header of a POST", () => {
  const postTo = async (host: string, options: object) => {
    const to = await serveApp(sql, { origin, ...options });
    const headers = { Host: host, Origin: `http://${host}` };
    return (await request(to).post("/signup").set(headers).type("form").send(ada)).status;
  };

  it("must be the site's own in production, whatever the Host says", async () => {
    expect(await postTo("evil.example", {})).toBe(403);
  });

  it("may match the Host in development, where one site has several names", async () => {
    expect(await postTo("localhost:3000", { isDevelopment: true })).toBe(303);
  });
});
