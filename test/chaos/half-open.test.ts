import { setTimeout as delay } from "node:timers/promises";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { chaosWorker } from "../support/chaos.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWeb } from "../support/web.ts";
import { startFaultyProxy } from "../support/faulty-proxy.ts";

const signUp = (site: string, email: string) =>
  request(site).post("/signup").send({ email, password: "twelve engines hum" });

describe("a silent network", () => {
  it("blocks no pool for long: web and worker recover by themselves", async () => {
    const { sql, url } = await createDatabase();
    const proxy = await startFaultyProxy(url);
    const smtp = await receiveMails();
    const { web, url: site } = await runWeb(proxy.url, { DATABASE_POOL: "2" });
    const worker = chaosWorker(proxy.url, smtp.url, {}, "worker/main.ts");
    await worker.joined();
    await signUp(site, "ada@example.com").expect(204);
    await until("she has her mail", () => smtp.mails.length === 1);

    proxy.silence();
    const silent = performance.now();
    await until("web signs up", async () => (await signUp(site, "bob@example.com")).status === 204, 60);
    const webSeconds = (performance.now() - silent) / 1000;
    await until(
      "he has his mail",
      async () => {
        // The silence may have failed an attempt. Make its retry due.
        await sql`update task set run_at = now() where attempt > 0 and worker_id is null and run_at > now()`;
        return smtp.mails.some(({ recipients }) => recipients[0] === "bob@example.com");
      },
      120,
    );
    const workerSeconds = (performance.now() - silent) / 1000;
    console.log(
      `silent: web signed up after ${webSeconds.toFixed(1)} s, the worker had mailed after ${workerSeconds.toFixed(1)} s`,
    );
    expect(await Promise.all([web.end(), worker.end()])).toEqual([0, 0]);
    expect(await sql`select from usr`).toHaveLength(2);
  });
});

describe("a pool with a limit for silent connections", () => {
  it("closes a connection that goes silent in the middle of a response", async () => {
    const { url } = await createDatabase();
    const proxy = await startFaultyProxy(url);
    const pool = connect({ DATABASE_URL: proxy.url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "impatient", 3);
    cleanUp(() => pool.end({ timeout: 1 }));
    await pool`select 1 as one`;
    proxy.halve("silent");
    await expect(pool`select repeat('long', 10000)`).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(await pool`select 1 as one`).toEqual([{ one: 1 }]);
  });

  it("closes a silent connection while more and more queries are sent on it", async () => {
    const { url } = await createDatabase();
    const proxy = await startFaultyProxy(url);
    const pool = connect({ DATABASE_URL: proxy.url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "impatient", 3);
    cleanUp(() => pool.end({ timeout: 1 }));
    await pool`select 1 as one`;
    proxy.silence();

    // The library sends each query on the same connection. A write must not count as a sign of life.
    let isAnswered = false;
    const silent = performance.now();
    await until("one gets a response", async () => {
      pool`select 1 as one`.then(
        () => (isAnswered = true),
        () => {},
      );
      await delay(500);
      return isAnswered;
    });
    expect(performance.now() - silent).toBeLessThan(8000);
  });

  it("keeps the silent connection on which it listens", async () => {
    const { sql, url } = await createDatabase();
    const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "listener", 3);
    cleanUp(() => pool.end({ timeout: 1 }));
    const heard: string[] = [];
    await pool.listen("word", (word) => heard.push(word));
    const of = () =>
      sql<{ pid: number }[]>`select pid from pg_stat_activity where application_name = ${projectName + " listener"}`;
    const [before] = await of();
    await until(
      "it has been silent",
      async () =>
        (
          await sql`
      select from pg_stat_activity where pid = ${before!.pid} and state_change < now() - interval '5 seconds'
    `
        ).length > 0,
    );

    await sql`select pg_notify('word', 'still here')`;
    await until("it is heard", () => heard.length === 1);
    expect(await of()).toContainEqual(before);
  });
});
