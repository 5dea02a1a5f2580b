import request from "supertest";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const site = request(url);

describe("every response", () => {
  it.each(["/", "/signup", "/nowhere", "/healthz"])("of %s carries the security headers", async (path) => {
    const { headers } = await site.get(path);

    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("same-origin");
    expect(headers["permissions-policy"]).toContain("camera=(), ");
    expect(headers["strict-transport-security"]).toBeUndefined();
  });

  it.each(["/", "/signup", "/signup/sent", "/nowhere"])("of %s has no inline script or style", async (path) => {
    const { text } = await site.get(path);
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i);
  });
});

describe("every page", () => {
  it.each(["/", "/signup", "/nowhere"])("%s describes the site to search engines", async (path) => {
    const { text } = await site.get(path);
    expect(text).toMatch(/<meta name="description" content="[^"]{50,160}">/);
  });
});

describe("static files", () => {
  const stylesheet = async () => /href="([^"]+\.css)"/.exec((await site.get("/signup")).text)?.[1] ?? "";

  it("are cached forever under their hashed names", async () => {
    const { headers } = await site.get(await stylesheet()).expect(200);
    expect(headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(headers["content-type"]).toBe("text/css; charset=utf-8");
  });

  it("are served under an old hash too, but not cached", async () => {
    const old = (await stylesheet()).replace(/\/[0-9a-f]{12}\//, "/000000000000/");
    const { headers } = await site.get(old).expect(200);
    expect(headers["cache-control"]).toBe("no-cache");
  });

  it("are compressed for clients that accept gzip", async () => {
    const path = await stylesheet();
    const plain = await site.get(path).set("Accept-Encoding", "identity").buffer(true);
    const response = await fetch(url + path, { headers: { "Accept-Encoding": "gzip" } });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    expect(await response.text()).toBe(plain.text);
  });

  it("include a favicon with an ETag", async () => {
    const { headers } = await site.get("/favicon.ico").expect(200);
    await site
      .get("/favicon.ico")
      .set("If-None-Match", headers["etag"] ?? "")
      .expect(304);
  });

  it("include no other file", async () => {
    await site.get("/assets/000000000000/..%2F..%2Fpackage.json").expect(404);
  });
});
