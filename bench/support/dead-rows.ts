import type { Sql } from "../../app/db/connect.ts";

/** Keeps Postgres from vacuuming away what is done from now on, until the answer is called. */
export async function holdSnapshot(sql: Sql): Promise<() => Promise<void>> {
  const [held, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const transaction = sql.begin("isolation level repeatable read", async (tx) => {
    await tx`select count(*) from pg_class`;
    held.resolve();
    await over.promise;
  });
  transaction.catch(held.reject);
  await held.promise;
  return async () => {
    over.resolve();
    await transaction;
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
