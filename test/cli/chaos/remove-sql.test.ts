import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Sql } from "../../../app/db/connect.ts";
import { readFiles } from "../../../cli/modules/files.ts";
import { findNeed, moduleNames } from "../../../cli/modules/registered.ts";
import { copyProject, type Copy } from "../../support/copy.ts";
import { createDatabase } from "../../support/database.ts";
import { addStars, commit } from "../add-module.ts";

const namesIn = (copy: Copy) => moduleNames(readFiles(copy.folder));

it("prints SQL that leaves nothing of the modules, in a database that had them and in a new one", async () => {
  const copy = await copyProject();
  await addStars(copy);
  const [deployed, fresh, core] = [await newDatabase(), await newDatabase(), await newDatabase()];
  await migrate(copy, deployed.url);
  await deployed.sql`insert into task (task_type) values ('COUNT_STARS'), ('SEND_EMAIL_WELCOME')`;
  await deployed.sql`
    insert into task_dead (task_id, task_type, params, priority, attempt, reason, created_at)
    values (1, 'COUNT_STARS', '{}', 0, 1, '', now()), (2, 'SEND_EMAIL_WELCOME', '{}', 0, 1, '', now())
  `;
  await deployed.sql`insert into event_consumer (name) values ('stars'), ('mine')`;
  await deployed.sql`insert into schedule (name, last_slot) values ('count stars', now()), ('mine', now())`;

  // Those that others need go last.
  for (let names = namesIn(copy); names.length > 0; names = namesIn(copy)) {
    const name = names.find((one) => !findNeed(readFiles(copy.folder), [one]))!;
    const output = await copy.run("node", "cli/remove.ts", name);
    const [, path, statements] = /add this as (.+):\n([^]+)$/.exec(output) ?? [];
    if (path !== undefined) await writeFile(join(copy.folder, path), statements!);
    await commit(copy);
  }

  for (const { url } of [deployed, fresh]) await migrate(copy, url);
  expect(await catalogOf(deployed.sql)).toEqual(await catalogOf(fresh.sql));
  await copy.run("git", "rm", "-q", "migrations/*_without_*.sql");
  await migrate(copy, core.url);
  expect(await catalogOf(fresh.sql)).toEqual(await catalogOf(core.sql));
  expect(await deployed.sql`select task_type from task`).toEqual([{ task_type: "SEND_EMAIL_WELCOME" }]);
  expect(await deployed.sql`select task_type from task_dead`).toEqual([{ task_type: "SEND_EMAIL_WELCOME" }]);
  expect(await deployed.sql`select name from event_consumer`).toEqual([{ name: "mine" }]);
  expect(await deployed.sql`select name from schedule`).toEqual([{ name: "mine" }]);
});

const newDatabase = () => createDatabase("template0");

async function migrate(copy: Copy, url: string): Promise<void> {
  await copy.run("env", `DATABASE_URL=${url}`, "node", "migrations/migrate.ts");
}

/** Everything that migrations create. */
async function catalogOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ object: string }[]>`
    select concat_ws(' ', table_name, column_name, data_type) as object
    from information_schema.columns
    where table_schema = 'public'
    union all
    select indexdef from pg_indexes where schemaname = 'public'
    union all
    select concat_ws(' ', conrelid::regclass, conname) from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select oid::regprocedure::text from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select tgname from pg_trigger where not tgisinternal
    order by object
  `;
  return rows.map(({ object }) => object);
}
