import { beforeEach, describe, expect, it } from "vitest";
import { pruneExpired } from "../../worker/tasks/prune-expired.ts";
import { addLink, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty, perform } from "../support/engine.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const person = (name: string) => ({ email: `${name}@example.com`, password: "twelve engines hum" });

describe("PRUNE_EXPIRED", () => {
  it("deletes the rows that have ended, and no others", async () => {
    const usrId = await addUser(sql, person("ada"));
    for (const expires_at of [new Date(Date.now() - 1000), new Date(Date.now() + 60_000)]) {
      await openSession(sql, usrId, { expires_at });
      await addLink(sql, "verify", usrId, { expires_at });
      await sql`insert into email_suppression (email, ends_at) values (${expires_at.toISOString()}, ${expires_at})`;
      await sql`insert into rate_limit values ('mail', ${expires_at.toISOString()}, 1, ${expires_at})`;
      const created_at = new Date(expires_at.getTime() - 30 * 86_400_000);
      await sql`insert into email_change ${sql({ usr_id: usrId, old_email: "a", new_email: "b", created_at })}`;
      const caused_at = new Date(expires_at.getTime() - 7 * 86_400_000);
      await sql`insert into mail_cause ${sql({ usr_id: usrId, browser: "", network: "", created_at: caused_at })}`;
    }
    // More than one statement deletes.
    await sql`
      insert into rate_limit
      select 'mail', n::text, 1, now() - interval '1 hour' from generate_series(1, 2500) as n
    `;
    for (const [days, token_hash] of [
      [401, "a"],
      [399, "b"],
    ] as const) {
      const seen_at = new Date(Date.now() - days * 86_400_000);
      await sql`insert into known_browser ${sql({ token_hash: Buffer.from(token_hash.repeat(32)), usr_id: usrId, usr_version: 0, seen_at })}`;
    }
    await perform(database, "PRUNE_EXPIRED", pruneExpired(sql));

    for (const table of [
      "known_browser",
      "session",
      "email_token",
      "email_suppression",
      "rate_limit",
      "email_change",
      "mail_cause",
    ]) {
      expect({ table, rows: (await sql`select from ${sql(table)}`).length }).toEqual({ table, rows: 1 });
    }
    expect(
      await sql`select from session, email_token where least(session.expires_at, email_token.expires_at) < now()`,
    ).toEqual([]);
    expect(await isEmpty(sql)).toBe(true);
  });

  it("deletes sessions, links and known browsers that a raised version has ended", async () => {
    const usrId = await addUser(sql, person("ada"));
    for (const usr_version of [0, 1, 2, null]) {
      await openSession(sql, usrId, { usr_version });
      await addLink(sql, "reset", usrId, { usr_version });
      const token_hash = Buffer.alloc(32, usr_version ?? 9);
      if (usr_version !== null) await sql`insert into known_browser ${sql({ token_hash, usr_id: usrId, usr_version })}`;
    }
    await sql`update usr set version = 1`;
    await perform(database, "PRUNE_EXPIRED", pruneExpired(sql));

    const versions = async (table: string) =>
      (await sql<{ usr_version: number | null }[]>`select usr_version from ${sql(table)} order by 1`).map(
        (row) => row.usr_version,
      );
    expect(await versions("session")).toEqual([1, 2, null]);
    expect(await versions("email_token")).toEqual([1, 2, null]);
    expect(await versions("known_browser")).toEqual([1, 2]);
  });

  it("keeps a used link of the welcome mail until it expires: its page says that the address is verified", async () => {
    const usrId = await addUser(sql, person("ada"));
    await addLink(sql, "verify", usrId);
    await addLink(sql, "verify", usrId, { expires_at: new Date(Date.now() - 1000) });
    await sql`update usr set version = 1`;
    await perform(database, "PRUNE_EXPIRED", pruneExpired(sql));
    expect(await sql`select expires_at > now() as is_valid from email_token`).toEqual([{ is_valid: true }]);
  });

  it("forgets the failed log-ins of addresses without a verified account after an hour", async () => {
    await addUser(sql, person("ada"));
    await addUser(sql, person("bob"), false);
    await sql`
      insert into log_in_failure (email, failures, failed_at)
      select name || '@example.com', 50, now() - interval '59 minutes' from unnest(array['ada', 'bob', 'cleo']) as name
    `;
    await perform(database, "PRUNE_EXPIRED", pruneExpired(sql));
    expect(await sql`select from log_in_failure`).toHaveLength(3);

    await sql`update log_in_failure set failed_at = now() - interval '61 minutes'`;
    await perform(database, "PRUNE_EXPIRED", pruneExpired(sql));
    expect(await sql`select email from log_in_failure`).toEqual([{ email: "ada@example.com" }]);
  });
});
