import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { transact } from "../../app/db/transaction.ts";
import { projectName } from "../../app/env.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { startFaultyProxy } from "../support/faulty-proxy.ts";

const { sql, url } = await createDatabase();
await sql`create table note (text text)`;
const notes = async () => (await sql<{ text: string }[]>`select text from note`).map(({ text }) => text);
beforeEach(() => sql`truncate note`);

/** A pool of one connection through a faulty proxy. */
async function fragile() {
  const wire = await startFaultyProxy(url);
  const pool = connect({ DATABASE_URL: wire.url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "fragile", 20);
  cleanUp(() => pool.end({ timeout: 1 }));
  return { wire, pool };
}

const endAll = () => sql`
  select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = ${projectName + " fragile"}
`;

describe("a transaction", () => {
  it("commits its writes and returns the result of its work", async () => {
    expect(await transact(sql, async (tx) => (await tx`insert into note values ('kept')`).count)).toBe(1);
    expect(await notes()).toEqual(["kept"]);
  });

  it("writes nothing when its work throws", async () => {
    const work = transact(sql, async (tx) => {
      await tx`insert into note values ('dropped')`;
      throw new Error("No.");
    });
    await expect(work).rejects.toThrow("No.");
    expect(await notes()).toEqual([]);
  });
});

// An error that postgres.js throws outside a query cannot be caught: it fails this run, as it would end a process.
describe.each(["cut", "terminated"])("a transaction whose connection is %s", (end) => {
  it.each([
    ["in a statement", (): Promise<unknown> => delay(0)],
    ["between two statements", () => delay(300)],
  ])("fails without harm to the next ones, %s", async (_, pause) => {
    const { wire, pool } = await fragile();
    const work = transact(pool, async (tx) => {
      await tx`insert into note values ('lost')`;
      const lose = delay(100).then(async () => (end === "cut" ? wire.cut() : await endAll()));
      await pause();
      await tx`select pg_sleep(1)`;
      await lose;
    });
    await expect(work).rejects.toThrow(/CONNECTION_CLOSED|terminating connection|ECONNRESET/);
    // postgres.js reports the old connection's error once more, to the next statement.
    await pool`select`.catch(() => {});
    for (let again = 0; again < 3; again += 1) {
      await transact(pool, (tx) => tx`insert into note values (${`after ${again}`})`);
    }
    expect(await notes()).toEqual(["after 0", "after 1", "after 2"]);
  });
});
