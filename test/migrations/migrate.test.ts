import { cp, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { run } from "../support/processes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
let copy = "";

/** A copy of the project whose migrations may be edited. */
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "signup-migrations-"));
  for (const name of ["app", "migrations", "package.json"])
    await cp(root + name, join(copy, name), { recursive: true });
  await symlink(`${root}node_modules`, join(copy, "node_modules"));
});
afterAll(() => rm(copy, { recursive: true }));

const migrate = (databaseUrl: string) => run(join(copy, "migrations/migrate.ts"), { DATABASE_URL: databaseUrl });

describe("migrate", () => {
  it("applies each file once when ten releases run at the same time", async () => {
    const { sql, url } = await createDatabase("template0");
    const releases = Array.from({ length: 10 }, () => migrate(url));
    expect(await Promise.all(releases.map(({ exited }) => exited))).toEqual(Array(10).fill(0));

    const outputs = releases.map((release) => release.output());
    expect(outputs.filter((output) => output.startsWith("Applied"))).toHaveLength(1);
    const files = (await readdir(`${root}migrations`)).filter((name) => name.endsWith(".sql"));
    expect(await sql`select name from migration order by name`).toEqual(files.map((name) => ({ name })));
  });

  it("changes nothing when one of the files fails", async () => {
    const { sql, url } = await createDatabase();
    await writeFile(join(copy, "migrations/8001_good.sql"), "create table good (a int);");
    await writeFile(join(copy, "migrations/8002_bad.sql"), "create table bad (a int); select 1/0;");
    const release = migrate(url);

    expect(await release.exited).toBe(1);
    expect(release.output()).toContain("8002_bad.sql: division by zero");
    expect(await sql`select to_regclass('good') as good, to_regclass('bad') as bad`).toEqual([
      { good: null, bad: null },
    ]);
    await rm(join(copy, "migrations/8002_bad.sql"));
  });

  it("refuses a database of another baseline and asks for an empty one", async () => {
    const { sql, url } = await createDatabase();
    await sql`update migration set name = '0001_old_baseline.sql' where name like '0001%'`;
    const release = migrate(url);
    expect(await release.exited).toBe(1);
    expect(release.output()).toBe(
      "Nothing applied: the database has 0001_old_baseline.sql, which is not in this version. Use an empty database.\n",
    );
  });

  it("refuses an edited file, and a new file numbered before an applied one", async () => {
    const { url } = await createDatabase();
    expect(await migrate(url).exited).toBe(0);

    await writeFile(join(copy, "migrations/8000_late.sql"), "select 1;");
    const late = migrate(url);
    expect(await late.exited).toBe(1);
    expect(late.output()).toContain("8000_late.sql comes before 8001_good.sql");
    await rm(join(copy, "migrations/8000_late.sql"));

    await writeFile(join(copy, "migrations/8001_good.sql"), "create table good (b int);");
    const edited = migrate(url);
    expect(await edited.exited).toBe(1);
    expect(edited.output()).toContain("8001_good.sql was edited");
  });
});
