import { describe, expect, it } from "vitest";
import { projectName } from "../../app/env.ts";
import { splitPool } from "../../worker/limits.ts";
import { chaosWorker, enqueueMails } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";

describe("the connections of a worker", () => {
  it("add up to DATABASE_POOL", () => {
    for (let connections = 3; connections <= 30; connections += 1) {
      for (const isIsolated of [false, true]) {
        const { engine, tasks, listens } = splitPool(connections, isIsolated);
        expect(1 + engine + tasks + Number(listens)).toBe(connections);
        expect(Math.min(engine, tasks)).toBeGreaterThanOrEqual(1);
      }
    }
  });

  it.each([3, 4, 6])(
    "never exceed DATABASE_POOL=%i while it works",
    async (connections) => {
      const { sql, url } = await createDatabase();
      const smtp = await receiveMails();
      await enqueueMails(sql, "SEND_EMAIL_WELCOME", 200);
      const worker = chaosWorker(url, smtp.url, { DATABASE_POOL: String(connections) }, "worker/main.ts");
      let most = 0;
      await until(
        "all mails are sent",
        async () => {
          const rows = await sql`
          select from pg_stat_activity
          where datname = current_database() and application_name like ${projectName + " worker%"}
        `;
          most = Math.max(most, rows.length);
          return isEmpty(sql);
        },
        40,
      );
      expect(most).toBeLessThanOrEqual(connections);
      // If this fails, the test samples too rarely.
      expect(most).toBeGreaterThan(1);
      expect(smtp.mails).toHaveLength(200);
      expect(await worker.end()).toBe(0);
    },
    60_000,
  );
});
