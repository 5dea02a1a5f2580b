import { connect, type Sql } from "../../app/db/connect.ts";
import { createClaims } from "../../worker/engine/claim.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { cleanUp } from "./clean-up.ts";
import { createDatabase } from "./database.ts";
import { addWorker, handler } from "./engine.ts";

const types = ["ONE", "TWO", "THREE"];
const rounds = 20;

/** Bytes of WAL per task that claims and finishes of this batch size write, counted by Postgres. */
export async function measureWal(batch: number): Promise<{ claim: number; finish: number }> {
  const { sql, url } = await createDatabase();
  await sql`create extension pg_stat_statements`;
  // Autovacuum would write, too.
  await sql`alter table task set (autovacuum_enabled = off)`;
  await sql`
    insert into task (task_type)
    select (${types}::text[])[1 + n % 3]
    from generate_series(1, ${batch * (rounds + types.length)}::int) as n
  `;
  await sql`vacuum analyze task`;

  const engine = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test claims");
  cleanUp(() => engine.end());
  const handlers = Object.fromEntries(types.map((type) => [type, handler(() => {})]));
  const claims = createClaims({ sql: engine, handlers, concurrency: batch, breakerRoom: () => Infinity });
  const worker_id = await addWorker(sql);
  const written = { claim: 0, finish: 0 };

  for (let round = 0; round < rounds; round += 1) {
    await sql`select pg_stat_statements_reset(dbid => (${database(sql)}))`;
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    const tasks = await claims.next(worker_id, new Map(), batch);
    if (tasks.length !== batch) throw new Error(`Claimed ${tasks.length} tasks instead of ${batch}.`);
    const claimed = await walBytes(sql);
    await finish(
      engine,
      tasks.map((task) => ({ ...task, worker_id })),
    );
    written.claim += claimed;
    written.finish += (await walBytes(sql)) - claimed;
  }
  const perTask = (bytes: number) => bytes / (batch * rounds);
  return { claim: perTask(written.claim), finish: perTask(written.finish) };
}

const database = (sql: Sql) => sql`select oid from pg_database where datname = current_database()`;

/** Of all statements since the last reset. */
async function walBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select sum(wal_bytes)::float8 as bytes
    from pg_stat_statements
    where dbid = (${database(sql)})
  `;
  return row!.bytes;
}
