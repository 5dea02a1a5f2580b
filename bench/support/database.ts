import { connect, type Sql } from "../../app/db/connect.ts";
import { migrate } from "../../dev/database.ts";
import type { Postgres } from "../../dev/postgres.ts";

const template = "migrated";

export type Database = AsyncDisposable & { sql: Sql; url: string };

/** Prepares the template that `createDatabase` clones. */
export async function prepareTemplate(postgres: Postgres): Promise<void> {
  await administer(postgres, (admin) => admin`create database ${admin(template)}`);
  await migrate({ DATABASE_URL: postgres.url(template) });
}

/** A new database, dropped at the end of the block: migrated, or empty for a peer that has its own schema. */
export async function createDatabase(postgres: Postgres, kind: "migrated" | "empty" = "migrated"): Promise<Database> {
  created += 1;
  const name = `bench_${created}`;
  const origin = kind === "migrated" ? template : "template0";
  await administer(postgres, (admin) => admin`create database ${admin(name)} template ${admin(origin)}`);
  const url = postgres.url(name);
  const sql = open(url, 4);
  return {
    sql,
    url,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 });
      await administer(postgres, (admin) => admin`drop database ${admin(name)} with (force)`);
    },
  };
}

/** Every run begins with fresh statistics, clean pages and nothing left to write. */
export async function vacuum(sql: Sql): Promise<void> {
  await sql`vacuum analyze`;
  await sql`checkpoint`;
}

/** A pool like those of the app. */
export function open(url: string, connections: number): Sql {
  return connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: connections }, "bench");
}

let created = 0;

async function administer(postgres: Postgres, task: (admin: Sql) => Promise<unknown>): Promise<void> {
  const admin = open(postgres.url("postgres"), 1);
  try {
    await task(admin);
  } finally {
    await admin.end();
  }
}
