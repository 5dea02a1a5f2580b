import type { Sql } from "../../app/db.ts";

/** Keeps Postgres from vacuuming away what is done from now on, until the answer is called. */
export async function holdSnapshot(sql: Sql): Promise<() => Promise<void>> {
  const reserved = await sql.reserve();
  await reserved`begin isolation level repeatable read`;
  await reserved`select count(*) from pg_class`;
  return async () => {
    await reserved`rollback`;
    reserved.release();
  };
}

/** What was deleted or replaced in the table and is there still, as Postgres counts it. */
export async function deadRows(sql: Sql, table: string): Promise<number> {
  const [row] = await sql<{ dead: number }[]>`
    select n_dead_tup::float8 as dead
    from pg_stat_user_tables
    where relname = ${table}
  `;
  return row!.dead;
}
