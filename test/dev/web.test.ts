import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { freePort } from "../../dev/postgres.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

describe("the web process of npm run dev", () => {
  it("listens on this machine only, and serves only the names of this machine and of ORIGIN", async () => {
    const { url: DATABASE_URL } = await createDatabase();
    const folder = await mkdtemp(`${tmpdir()}/signup-dev-web-`);
    const port = await freePort();
    const env = { DATABASE_URL, PORT: String(port), ORIGIN: "http://signup.test:8080" };
    const web = run("dev/web.ts", env, [folder]);
    cleanUp(async () => {
      await web.end("SIGKILL");
      await rm(folder, { recursive: true });
    });
    await until("it listens", () => web.output().includes("listening"));
    expect(web.output()).toContain('"address":{"address":"127.0.0.1"');

    const site = request(`http://127.0.0.1:${port}`);
    for (const path of ["/", "/dev/mailbox"]) {
      for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "LOCALHOST", "signup.test:8080"])
        await site.get(path).set("Host", host).expect(200);
      for (const host of ["evil.example", `localhost.evil.example:${port}`, "127.0.0.1.evil.example", "10.0.0.1", "@"])
        await site
          .get(path)
          .set("Host", host)
          .expect(421, /does not know that host name/);
    }
    await site.post("/dev/mailbox/empty").set("Host", "evil.example").expect(421);
  });
});
