import { readOverview } from "../../app/ops/read-overview.ts";
import { connect, type Sql } from "../../app/db/connect.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { addWorker } from "../support/engine.ts";

/** Kinds of tasks that may fill the table. */
export const burdens = ["due", "scheduled", "retrying", "dead", "running"] as const;
export type Burden = (typeof burdens)[number];

/** More than the five after which Postgres may take a generic plan. */
const rounds = 8;

/** Buffers that one overview touches with this many tasks, in two lanes; counted by Postgres. */
export async function measureOverviews(burden: Burden, sizes: number[]): Promise<number[]> {
  const { sql, url } = await createDatabase();
  await sql`create extension pg_stat_statements`;
  const costs: number[] = [];
  for (const size of sizes) {
    await fill(sql, burden, size);
    costs.push(await measure(sql, url));
  }
  return costs;
}

async function fill(sql: Sql, burden: Burden, count: number): Promise<void> {
  await sql`truncate task, task_dead, worker cascade`;
  const worker = await addWorker(sql);
  if (burden === "dead") {
    await sql`
      insert into task_dead (task_id, task_type, params, priority, attempt, reason, created_at)
      select n, 'TYPE_' || n % 2, '{}', n % 2, 5, 'no luck', now()
      from generate_series(1, ${count}::int) as n
    `;
  } else {
    await sql`
      insert into task (task_type, priority, run_at, attempt, worker_id)
      select
        'TYPE_' || n % 2, n % 2, now() + make_interval(secs => n * 0.001 + ${burden === "due" ? -1_000_000 : 1000}),
        ${burden === "retrying" ? 1 : 0}, ${burden === "running" ? worker : null}
      from generate_series(1, ${count}::int) as n
    `;
  }
  await sql`vacuum analyze task, task_dead`;
}

const database = (sql: Sql) => sql`select oid from pg_database where datname = current_database()`;

async function measure(sql: Sql, url: string): Promise<number> {
  const reader = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test overview");
  cleanUp(() => reader.end());
  for (let round = 0; round < rounds; round += 1) {
    // The first run also reads the catalog.
    if (round === 1) await sql`select pg_stat_statements_reset(dbid => (${database(sql)}))`;
    await readOverview(reader);
  }
  await reader.end();
  const [row] = await sql<{ buffers: number }[]>`
    select sum(shared_blks_hit + shared_blks_read)::float8 / ${rounds - 1}::int as buffers
    from pg_stat_statements
    where dbid = (${database(sql)})
      and query not like '%pg_stat_statements%'
  `;
  return row!.buffers;
}
