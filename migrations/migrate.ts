import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Sql } from "../app/db/connect.ts";
import { migrateEnv } from "../app/env.ts";

const folder = import.meta.dirname;

const sql = connect(migrateEnv(), "migrate");
try {
  const names = await migrate(sql);
  process.stdout.write(names.length ? `Applied ${names.join(", ")}.\n` : "Nothing to apply.\n");
} catch (error) {
  process.stderr.write(`Nothing applied: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await sql.end();
}

/** Applies every new file in one transaction and returns their names; concurrent runs wait for each other. */
async function migrate(sql: Sql): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();

  return sql.begin(async (tx) => {
    // A lock of the transaction, not of the session: it works through a transaction pooler and is always released.
    await tx`select pg_advisory_xact_lock(hashtext('migration'))`;
    await tx`
      create table if not exists migration (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )
    `;
    const rows = await tx<{ name: string; checksum: string }[]>`select name, checksum from migration`;
    const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
    const last = [...applied.keys()].toSorted().at(-1) ?? "";
    const replaced = [...applied.keys()].find(
      (name) => !files.includes(name) && files.some((file) => file.slice(0, 5) === name.slice(0, 5)),
    );
    if (replaced) throw new Error(`the database has ${replaced}, which is not in this version. Use an empty database.`);
    const added: string[] = [];

    for (const name of files) {
      const text = await readFile(`${folder}/${name}`, "utf8");
      const checksum = createHash("sha256").update(text).digest("hex");
      if (applied.get(name) === checksum) continue;
      if (applied.has(name)) throw new Error(`${name} was edited after it was applied; add a new file instead.`);
      if (name < last) throw new Error(`${name} comes before ${last}, which is applied; give it a later number.`);

      await tx.unsafe(text).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`, { cause: error });
      });
      await tx`insert into migration (name, checksum) values (${name}, ${checksum})`;
      added.push(name);
    }
    return added;
  });
}
