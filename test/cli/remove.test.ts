import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { drops } from "../../cli/modules/drop-statements.ts";
import { readFiles } from "../../cli/modules/files.ts";
import { belongsTo, findNeed, moduleNames } from "../../cli/modules/registered.ts";
import { removeModule } from "../../cli/modules/remove-module.ts";
import type { Sql } from "../../app/db/connect.ts";
import { copyProject, type Copy } from "../support/copy.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { addStars, commit } from "./add-module.ts";

const remove = (copy: Copy, ...words: string[]) => copy.run("node", "cli/remove.ts", ...words);
const namesIn = (copy: Copy) => moduleNames(readFiles(copy.folder));

let copy: Copy;
beforeAll(async () => {
  copy = await copyProject();
  await addStars(copy);
});

describe("npm run remove", () => {
  it.each([
    ["npm run remove -- NAME"],
    ["npm run remove -- NAME", "stars", "moons"],
    ["npm run remove -- NAME", "--force", "stars"],
    ['There is no module "comets". The modules are', "comets"],
    ['There is no module "template". The modules are', "template"],
    ["moons needs stars: remove moons first.", "stars"],
  ])('says "%s" for %j %j', async (sentence, ...words) => {
    const cause = { code: 2, stderr: expect.stringContaining(sentence) as string };
    await expect(remove(copy, ...words)).rejects.toMatchObject({ cause });
    expect(await copy.run("git", "status", "--porcelain")).toBe("");
  });

  it("refuses uncommitted changes", async () => {
    await writeFile(join(copy.folder, "notes.txt"), "mine");
    const cause = { code: 2, stderr: "Commit your changes first.\n" };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause });
    expect(await copy.run("git", "status", "--porcelain")).toBe("?? notes.txt\n");
    await rm(join(copy.folder, "notes.txt"));
  });

  it("refuses deleted files, and a folder without git", async () => {
    await rm(join(copy.folder, "README.md"));
    const dirty = { code: 2, stderr: "Commit your changes first.\n" };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause: dirty });
    await copy.run("git", "checkout", "-q", "README.md");

    await copy.run("mv", ".git", ".hidden");
    const alone = { code: 2, stderr: expect.stringContaining("is not a git checkout. Clone it with git.") as string };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause: alone });
    await copy.run("mv", ".hidden", ".git");

    const missing = { code: 2, stderr: "Install git first.\n" };
    const withoutGit = copy.run("env", "PATH=/nowhere", process.execPath, "cli/remove.ts", "moons");
    await expect(withoutGit).rejects.toMatchObject({ cause: missing });
  });

  it("prints git's own reason when git refuses the folder", async () => {
    const config = join(copy.folder, ".git/config");
    const text = await readFile(config, "utf8");
    await writeFile(config, "[core\n");
    const cause = { code: 2, stderr: expect.stringMatching(/^fatal: bad config .+\n$/) as string };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause });
    await writeFile(config, text);
  });

  it("prints the usage for --help", async () => {
    for (const file of ["cli/remove.ts", "cli/events.ts"]) {
      expect(await copy.run("node", file, "--help")).toMatch(/npm run (remove|events)/);
    }
  });

  it("deletes the module's files and every line that names it, and says so", async () => {
    await remove(copy, "moons");
    await commit(copy);
    const output = await remove(copy, "stars");

    const names = ["docs/stars.md", "app/modules.ts", "stars-package", "STARS_TOKEN", "README.md", ".gitignore"];
    for (const name of names) expect(output).toContain(`\n  ${name}\n`);
    expect(await copy.run("git", "grep", "-il", "stars", "--", ":!test/cli")).toBe("README.md\n");
    expect(await readFile(join(copy.folder, "README.md"), "utf8")).toMatch(
      /\n\| moons \| stars \|\n\| -+ \| -+ \|\n\| two {3}\| few {3}\|\n$/,
    );
    // The commit before the module was added.
    expect(await copy.run("git", "diff", "--stat", "HEAD~2", "--", "app.json", "package*.json")).toBe("");
    await copy.run("git", "reset", "-q", "--hard", "HEAD~1");
  });
});

it("takes what is in the module's places, and no file of the owner's that has its name", () => {
  const gone = [
    "app/stars/a.ts",
    "views/mail/stars/a.ejs",
    "app/shop/stars/a.ts",
    "app/assets/stars.css",
    "cli/stars.ts",
  ];
  const more = ["stars.config.ts", "vitest.stars.config.ts", ".github/stars/a.png", "migrations/0001_stars_rank.sql"];
  const kept = ["app/reports/stars.ts", "app/reports/a/stars/a.ts", "test/shop/stars.test.ts", "docs/starshine.md"];
  expect([...gone, ...more, ...kept].filter((path) => belongsTo(path, "stars"))).toEqual([...gone, ...more]);
});

it("keeps the registry in a lock that names it", async () => {
  const lock = join(copy.folder, "package-lock.json");
  const text = await readFile(lock, "utf8");
  const resolved = '"resolved": "https://registry.npmjs.org/zod/-/zod-';
  await writeFile(lock, text.replace(/"node_modules\/zod": \{\n\s*"version": "(.+)",/, `$&\n${resolved}$1.tgz",`));
  await commit(copy);
  await remove(copy, "moons");
  await commit(copy);
  await copy.run("env", "npm_config_omit_lockfile_registry_resolved=false", "node", "cli/remove.ts", "stars");
  expect(await readFile(lock, "utf8")).toContain(resolved);
  await copy.run("git", "reset", "-q", "--hard", "HEAD~2");
});

it("says after Ctrl-C how to go back", async () => {
  const child = spawn(process.execPath, ["cli/remove.ts", "passkeys"], { cwd: copy.folder, stdio: "pipe" });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  await until("it has begun to write", async () => (await copy.run("git", "status", "--porcelain")) !== "");
  child.kill("SIGINT");
  const [exitCode] = (await once(child, "exit")) as [number];
  expect({ exitCode, errors }).toEqual({
    exitCode: 130,
    errors: "Stopped. `git checkout . && git clean -n` shows what is left.\n",
  });
  await copy.run("git", "reset", "-q", "--hard");
});

it("refuses a mark without its partner", () => {
  const files = new Map([["README.md", ["<!-- begin stars -->", "Stars", ""].join("\n")]]);
  expect(() => removeModule(files, "stars")).toThrow("README.md has a mark of stars without its partner.");
});

describe("the SQL that npm run remove prints", () => {
  it.each([
    ["create table if not exists star ()"],
    ["create table public.star ()"],
    ["create index concurrently event_star on event (data)"],
    ["create index on event (data)"],
    ["create or replace function mailbox_of(email text) returns text language sql return email"],
    ["alter table usr alter email drop not null"],
    ["alter table usr add column star int, alter email drop not null"],
    ["update usr set email = ''"],
  ])("leaves %s to the reader", (statement) => {
    expect(drops(`${statement};`)).toEqual([`-- Undo this by hand: ${statement}`]);
  });

  it("leaves nothing of the modules, in a database that had them and in a new one", async () => {
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
      const output = await remove(copy, name);
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
  }, 60_000);
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
