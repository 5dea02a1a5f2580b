import { describe, expect, it } from "vitest";
import { connect, isUnavailable } from "../../app/db/connect.ts";
import { cleanUp } from "../support/clean-up.ts";
import { findServerPrograms, startPair } from "../support/standby.ts";
import { until } from "../support/until.ts";

const programs = await findServerPrograms();
if (!programs) console.log("skipped: no PostgreSQL of the system's packages (Debian: apt-get install postgresql)");

describe.skipIf(!programs)("a primary whose synchronous standby is away", () => {
  it("has its late commits reported as failures, and each cancel reaches it", { timeout: 60_000 }, async () => {
    const pair = await startPair(programs!);
    const settings = { DATABASE_URL: pair.url, DATABASE_SSL: "off", DATABASE_POOL: 1 } as const;
    const sql = connect(settings, "test", 8);
    cleanUp(() => sql.end({ timeout: 1 }));
    await until("the standby is there", async () => (await sql`select from pg_stat_replication`).length === 1);
    await sql`create table note (note text)`;
    await pair.killStandby();

    const insert = (note: string) => sql`insert into note values (${note})`.catch((error: unknown) => error);
    const failures = [await insert("one"), await insert("two")];

    expect(failures.map(isUnavailable)).toEqual([true, true]);
    // A cancel ends the wait, but it cannot take back the commit.
    expect(await sql`select note from note`).toEqual([{ note: "one" }, { note: "two" }]);
  });
});
