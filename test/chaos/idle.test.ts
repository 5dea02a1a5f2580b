import postgres from "postgres";
import { describe, expect, inject, it } from "vitest";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWorker } from "../support/worker.ts";

const mostStatementsPerSecond = 2;

describe("an idle worker", () => {
  it("costs the database at most 2 statements a second", async () => {
    const { sql, url } = await createDatabase();
    const smtp = await receiveMails();
    // From another database, so these queries are not counted.
    const admin = postgres(`${inject("serverUrl")}postgres`, { max: 1, onnotice: () => {} });
    cleanUp(() => admin.end());
    await admin`create extension if not exists pg_stat_statements`;
    const name = new URL(url).pathname.slice(1);
    const count = async () => {
      const [row] = await admin<{ calls: number; at: number }[]>`
        select coalesce(sum(calls), 0)::int as calls, extract(epoch from clock_timestamp())::float8 as at
        from pg_stat_statements
        where dbid = (select oid from pg_database where datname = ${name})
      `;
      return row!;
    };

    const worker = runWorker(url, smtp.url);
    await until("the worker runs", async () => (await sql`select from schedule`).length > 0);
    await until("its consumers run", async () => (await sql`select from event_consumer`).length > 0);
    const before = await count();
    // Three heartbeats: the phase at the start matters little.
    const after = await until("12 seconds have passed", async () => {
      const now = await count();
      return now.at - before.at >= 12 ? now : undefined;
    });
    const perSecond = (after.calls - before.calls) / (after.at - before.at);
    expect(perSecond).toBeGreaterThan(1);
    expect(perSecond).toBeLessThanOrEqual(mostStatementsPerSecond);
    expect(await worker.end()).toBe(0);
  });
});
