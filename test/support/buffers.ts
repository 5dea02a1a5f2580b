import { connect, type Sql } from "../../app/db/connect.ts";

/**
 * What all calls of one statement took. Its `id` is the same in all clones of a database. The text is not: it has the
 * constants if the statement was prepared before the count began.
 */
export type StatementCost = { id: string; query: string; calls: number; buffers: number; seconds: number };

const database = (sql: Sql) => sql`select oid from pg_database where datname = current_database()`;

/** Begins to count the buffers of each statement in this database. */
export async function beginCount(sql: Sql): Promise<void> {
  await sql`create extension if not exists pg_stat_statements`;
  await sql`select pg_stat_statements_reset(dbid => (${database(sql)}))`;
}

/** The statements since the count began. */
export const readCosts = (sql: Sql) => sql<StatementCost[]>`
  select queryid::text as id, min(btrim(query, E' \\n')) as query, sum(calls)::int as calls,
    sum(shared_blks_hit + shared_blks_read)::float8 as buffers, sum(total_exec_time)::float8 / 1000 as seconds
  from pg_stat_statements
  where dbid = (${database(sql)}) and query not like '%pg_stat_statements%' and toplevel
  group by queryid
  order by buffers desc
`;

/** More than the five after which Postgres may take a generic plan. */
const rounds = 8;

/** Runs `work` on one connection, again and again. The first run, which also reads the catalog, is not counted. */
export async function countBuffers(
  { sql, url }: { sql: Sql; url: string },
  work: (sql: Sql) => Promise<unknown>,
): Promise<StatementCost[]> {
  const worker = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test buffers");
  try {
    await work(worker);
    await beginCount(sql);
    for (let round = 0; round < rounds; round += 1) await work(worker);
  } finally {
    await worker.end();
  }
  return readCosts(sql);
}
