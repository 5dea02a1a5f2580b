import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { startPostgres } from "../../dev/postgres.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { run, runMigrations } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { runWeb } from "../support/web.ts";

const signUp = (url: string, email: string) =>
  request(url).post("/signup").type("form").send({ email, password: "twelve engines hum" });

describe("the web process", () => {
  it("responds 503 while the database is down, and recovers by itself", async () => {
    const folder = await mkdtemp(join(tmpdir(), "signup-web-"));
    const server = await startPostgres(folder, { durable: true });
    cleanUp(async () => {
      await server.stop("immediate").catch(() => {});
      await rm(folder, { recursive: true });
    });
    await runMigrations(server.url("postgres"));
    const { web, url } = await runWeb(server.url("postgres"));
    await signUp(url, "before@example.com").expect(303);

    await server.stop("immediate");
    const [{ text, headers }] = await Promise.all([
      signUp(url, "during@example.com").expect(503),
      request(url).get("/healthz").expect(200),
      request(url).get("/readyz").expect(503),
    ]);
    expect(text).toContain("Trying again is safe");
    expect(headers["retry-after"]).toBe("5");

    await server.start();
    await until("the site is ready", async () => (await request(url).get("/readyz")).status === 200);
    await signUp(url, "after@example.com").expect(303);
    expect(web.child.exitCode).toBe(null);

    const sql = postgres(server.url("postgres"), { max: 1 });
    expect(await sql`select email from usr order by email`).toEqual([
      { email: "after@example.com" },
      { email: "before@example.com" },
    ]);
    await sql.end();
  });

  it("finishes open requests after SIGTERM, then exits 0", async () => {
    const { url: databaseUrl, sql } = await createDatabase();
    const { web, url } = await runWeb(databaseUrl);
    await request(url).get("/readyz").expect(200);

    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = sql.begin(async (tx) => {
      await tx`lock table usr in exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const response = signUp(url, "ada@example.com").then(({ status }) => status);
    await until("the signup waits for the lock", async () => {
      const [waiting] = await sql`select 1 from pg_locks where not granted`;
      return waiting;
    });

    web.child.kill("SIGTERM");
    web.child.kill("SIGTERM");
    await until("the web process drains", () => web.output().includes("draining"));
    release.resolve();
    await holder;
    expect(await response).toBe(303);
    expect(await web.exited).toBe(0);
  });

  it("logs the route's pattern, and no address, password or URL", async () => {
    const { url: databaseUrl } = await createDatabase();
    const { web, url } = await runWeb(databaseUrl);
    const secret = randomBytes(12).toString("hex");
    await signUp(url, `${secret}@example.com`);
    await request(url)
      .post("/signup")
      .type("form")
      .send({ email: "a@example.com", password: `${secret} ${secret}x` });
    await request(url).get(`/verify/${secret}?token=${secret}`);
    await request(url).get(`/assets/${secret}/style.css`);

    await web.end();
    expect(web.output()).toContain('"method":"POST","route":"/signup","status":303');
    expect(web.output()).not.toContain(secret);
  });

  it("lists every missing or bad name at once, and exits 1", async () => {
    const web = run("app/main.ts", { NODE_ENV: "production", PORT: "http", DATABASE_SSL: "maybe" });

    expect(await web.exited).toBe(1);
    for (const name of ["DATABASE_URL is required", "PORT must be", "DATABASE_SSL must be", "ORIGIN is required"]) {
      expect(web.output()).toContain(name);
    }
  });

  it("logs one line when its port is taken, and exits 1", async () => {
    const { url: databaseUrl } = await createDatabase();
    const { url } = await runWeb(databaseUrl);

    const second = run("app/main.ts", { DATABASE_URL: databaseUrl, PORT: new URL(url).port });
    expect(await second.exited).toBe(1);
    expect(second.output().trim().split("\n")).toHaveLength(1);
    expect(second.output()).toContain("EADDRINUSE");
  });
});

describe("under an https origin", () => {
  it("sends HSTS and __Host- cookies, as behind a proxy that ends TLS", async () => {
    const { url: databaseUrl } = await createDatabase();
    const { url } = await runWeb(databaseUrl, { NODE_ENV: "production", ORIGIN: "https://signup.example.com" });

    const response = await signUp(url, "ada@example.com").set("X-Forwarded-Proto", "https").expect(303);
    expect(response.headers["strict-transport-security"]).toBe("max-age=31536000");
    const cookies = response.get("Set-Cookie") ?? [];
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) expect(cookie).toMatch(/^__Host-.*path=\/.*samesite=lax; secure; httponly$/);
  });
});
