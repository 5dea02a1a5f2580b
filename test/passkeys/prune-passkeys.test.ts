import { beforeEach, expect, it } from "vitest";
import { schedule } from "../../worker/schedule.ts";
import { prunePasskeys } from "../../worker/passkeys/prune-passkeys.ts";
import { addUser } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty, perform } from "../support/engine.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

it("deletes expired challenges and passkeys that a new version has ended, and no others", async () => {
  const usrId = await addUser(sql);
  // More than one statement deletes.
  await sql`
    insert into passkey_challenge (challenge_hash, browser_hash, expires_at)
    select sha256(n::text::bytea), sha256('browser'), now() + (2100 - n) * interval '1 second'
    from generate_series(1, 4500) as n
  `;
  await sql`
    insert into passkey (usr_id, usr_version, credential_id, public_key, counter, name)
    select ${usrId}, n % 3, n, '', 0, 'version ' || n % 3 from generate_series(1, 3) as n
  `;
  await sql`update usr set version = 1`;
  await perform(database, "PRUNE_PASSKEYS", prunePasskeys(sql));

  expect(await isEmpty(sql)).toBe(true);
  expect(
    await sql`select expires_at > now() as is_fresh, count(*) > 2000 as are_many from passkey_challenge group by 1`,
  ).toEqual([{ is_fresh: true, are_many: true }]);
  // A carried one may be newer than the user that the statement sees.
  expect(await sql`select name from passkey order by name`).toEqual([{ name: "version 1" }, { name: "version 2" }]);
});

it("runs every 10 minutes", () => {
  expect(schedule({ TZ_MAIL: "UTC" })).toContainEqual({
    name: "prune passkeys",
    task_type: "PRUNE_PASSKEYS",
    every_minutes: 10,
  });
});
