import { describe, expect, it } from "vitest";
import request from "supertest";
import { connect } from "../../app/db/connect.ts";
import { chaosWorker } from "../support/chaos.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { poolTransactions } from "../support/pgbouncer.ts";
import type { Process } from "../support/processes.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWeb, serveApp } from "../support/web.ts";
import { runAccountLifeCycle } from "../support/account-life-cycle.ts";

describe.skipIf(await reasonToSkip(["pgbouncer"]))("behind pgbouncer in transaction mode", () => {
  it("several accounts go through their full life cycle at the same time", async () => {
    const { sql, url } = await createDatabase();
    const pooled = `${await poolTransactions(url)}?prepare=false`;
    const smtp = await receiveMails();
    const { web, url: site } = await runWeb(pooled, { TRUST_PROXY: "1" });
    const workers = [1, 2].map(() => chaosWorker(pooled, smtp.url, {}, "worker/main.ts"));
    await Promise.all([1, 2, 3, 4].map((person) => runAccountLifeCycle(site, smtp.mails, person)));

    await until("no due task is left", async () => (await sql`select from task where run_at <= now()`).length === 0);
    expect(await sql`select from usr`).toEqual([]);
    expect(await sql`select from task_error`).toEqual([]);
    expect(await sql`select from task_dead`).toEqual([]);
    for (const process of [web, ...workers]) {
      expect(process.output()).not.toContain("prepared statement");
      expect(await process.end()).toBe(0);
    }
  });

  it("web and worker warn that their statements are prepared, and only then", async () => {
    const { url } = await createDatabase();
    const pooled = await poolTransactions(url);
    const urls = [pooled, `${pooled}?prepare=false`, url];
    const workers = urls.map((each) => chaosWorker(each, "smtp://127.0.0.1:1", {}, "worker/main.ts"));
    const sites = await Promise.all(urls.map((each) => runWeb(each)));
    await Promise.all(workers.map((worker) => worker.joined()));
    const warns = (process: Process) => process.output().includes("end DATABASE_URL with ?prepare=false");
    await until("web warns", () => warns(sites[0]!.web));
    // On SIGTERM, web ends after its first statement.
    await Promise.all(sites.map(({ web }) => web.end()));
    expect(workers.map(warns)).toEqual([true, false, false]);
    expect(sites.map(({ web }) => warns(web))).toEqual([true, false, false]);
  });

  it("accepts a burst of signups without a time-out", async () => {
    const { url } = await createDatabase();
    const pooled = `${await poolTransactions(url)}?prepare=false`;
    const web = connect({ DATABASE_URL: pooled, DATABASE_SSL: "off", DATABASE_POOL: 10 }, "web", 20);
    cleanUp(() => web.end({ timeout: 1 }));
    const site = request(await serveApp(web));
    const post = (_: unknown, person: number) =>
      site
        .post("/signup")
        .type("form")
        .send({ email: `person-${person}@example.com`, password: "twelve engines hum" });
    const responses = await Promise.all(Array.from({ length: 150 }, post));
    expect(responses.filter(({ status }) => status !== 303)).toEqual([]);
  });
});
