import request from "supertest";
import { describe, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

describe("GET /readyz", () => {
  it("is ready when every migration is applied", async () => {
    await site.get("/readyz").expect(200, { status: "ready" });
  });

  it("gets 503 when a migration is missing", async () => {
    await sql`delete from migration where name = (select min(name) from migration)`;
    await site.get("/readyz").expect(503, { status: "migrations are behind: 0001_users_and_tasks.sql" });
  });
});

describe("GET /readyz on a database that was never migrated", () => {
  it("gets 503", async () => {
    const bare = await createDatabase("template0");
    await request(await serveApp(bare.sql))
      .get("/readyz")
      .expect(503, /migrations are behind/);
  });
});

describe("GET /healthz", () => {
  it("is alive", async () => {
    await site.get("/healthz").expect(200, { status: "alive" });
  });
});
