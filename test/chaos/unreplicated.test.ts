import { describe, expect, it } from "vitest";
import { connect, isUnavailable, type Sql } from "../../app/db/connect.ts";
import { transact } from "../../app/db/transaction.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { startPair, type Pair } from "../support/standby.ts";
import { until } from "../support/until.ts";

describe.skipIf(await reasonToSkip(["postgresql"]))("a primary whose synchronous standby is away", () => {
  it("has its late commits reported as failures, and each cancel reaches it", { timeout: 60_000 }, async () => {
    const pair = await startPair();
    const settings = { DATABASE_URL: pair.url, DATABASE_SSL: "off", DATABASE_POOL: 1 } as const;
    const sql = connect(settings, "test", 8);
    cleanUp(() => sql.end({ timeout: 1 }));
    await loseStandby(pair, sql);

    const insert = (note: string) => sql`insert into note values (${note})`.catch((error: unknown) => error);
    const failures = [await insert("one"), await insert("two")];

    expect(failures.map(isUnavailable)).toEqual([true, true]);
    // A cancel ends the wait, but it cannot take back the commit.
    expect(await sql`select note from note`).toEqual([{ note: "one" }, { note: "two" }]);
  });

  it("has a commit reported as failed when any cancel ends its wait", { timeout: 60_000 }, async () => {
    const pair = await startPair();
    const settings = { DATABASE_URL: pair.url, DATABASE_SSL: "off", DATABASE_POOL: 2 } as const;
    const [sql, admin] = [connect(settings, "test", 40), connect(settings, "admin", 40)];
    cleanUp(() => Promise.all([sql, admin].map((pool) => pool.end({ timeout: 1 }))));
    await loseStandby(pair, sql);

    const statement = sql`insert into note values ('one')`.catch((error: unknown) => error);
    const transaction = transact(sql, (tx) => tx`insert into note values ('two')`).catch((error: unknown) => error);
    const waiting = () => admin`select pid from pg_stat_activity where wait_event = 'SyncRep'`;
    await until("both wait", async () => (await waiting()).length === 2);
    await admin`select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`;

    expect([await statement, await transaction].map(isUnavailable)).toEqual([true, true]);
    expect(await sql`select note from note order by note`).toEqual([{ note: "one" }, { note: "two" }]);
  });
});

/** Creates the table, with the standby, and then kills that. */
async function loseStandby(pair: Pair, sql: Sql): Promise<void> {
  const standbys = async (count: number) => (await sql`select from pg_stat_replication`).length === count;
  await until("the standby is there", () => standbys(1));
  await sql`create table note (note text)`;
  await pair.killStandby();
  await until("the standby is away", () => standbys(0));
}
