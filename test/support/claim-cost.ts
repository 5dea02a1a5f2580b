import { createClaims } from "../../worker/engine/claim.ts";
import { connect, type Sql } from "../../app/db/connect.ts";
import { cleanUp } from "./clean-up.ts";
import { createDatabase } from "./database.ts";
import { addWorker, handler, enqueue } from "./engine.ts";

const types = ["ONE", "TWO", "THREE"];
const priorities = [-1, 0, 1];
const slots = 20;
/** Postgres may switch to a generic plan after five. */
const rounds = 30;

/** Kinds of backlogs. Beside each there are a few due tasks to claim. */
export const backlogs = ["due", "future", "of unknown types"] as const;
export type Backlog = (typeof backlogs)[number] | "running";

/** Buffers that one search for lanes and one claim touch, and their sum. */
export type Cost = { find: number; claim: number; both: number };

/**
 * Measures a worker's claims before backlogs of these sizes, spread over types and priorities. As in the worker, the
 * statements are prepared and run on one connection. Postgres counts the buffers.
 */
export async function measureClaims(backlog: Backlog, sizes: number[]): Promise<Cost[]> {
  const { sql, url } = await createDatabase();
  await sql`create extension pg_stat_statements`;
  // Autovacuum would touch the table while its buffers are counted.
  await sql`alter table task set (autovacuum_enabled = off)`;
  const costs: Cost[] = [];
  for (const size of sizes) {
    await fill(sql, backlog, size);
    costs.push(await measure(sql, url));
  }
  return costs;
}

async function fill(sql: Sql, backlog: Backlog, count: number): Promise<void> {
  await sql`truncate task`;
  // In order of age, each type and priority in turn.
  await sql`
    insert into task (task_type, priority, run_at)
    select
      ${backlog === "of unknown types" ? "UNKNOWN_" : ""} || (${types}::text[])[1 + n % 3],
      (${priorities}::int[])[1 + n / 3 % 3],
      now() + make_interval(secs => n * 0.001 - 1000000 * ${backlog === "future" ? -1 : 1})
    from generate_series(1, ${count}::int) as n
  `;
  if (backlog === "running") await sql`update task set worker_id = ${await addWorker(sql)}, attempt = 1`;
  for (const type of types) for (const priority of priorities) await enqueue(sql, type, slots * rounds, { priority });
  await sql`vacuum analyze task`;
}

async function measure(sql: Sql, url: string): Promise<Cost> {
  const claimer = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test claims");
  cleanUp(() => claimer.end());
  const handlers = Object.fromEntries(types.map((type) => [type, handler(() => {})]));
  const worker = await addWorker(sql);

  for (let round = 0; round < rounds; round += 1) {
    // The first rounds also read the catalog.
    if (round === rounds / 3) await sql`select pg_stat_statements_reset(dbid => (${database(sql)}))`;
    // A new lane cache: each round searches first.
    const claims = createClaims({ sql: claimer, handlers, concurrency: slots, breakerRoom: () => Infinity });
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    const tasks = await claims.next(worker, new Map(), slots);
    if (tasks.length !== slots) throw new Error(`Claimed ${tasks.length} tasks instead of ${slots}.`);
  }
  await claimer.end();
  const [find, claim] = [await buffers(sql, "with recursive lane"), await buffers(sql, "with taken")];
  return { find, claim, both: find + claim };
}

const database = (sql: Sql) => sql`select oid from pg_database where datname = current_database()`;

async function buffers(sql: Sql, start: string): Promise<number> {
  const rows = await sql<{ per_call: number }[]>`
    select (shared_blks_hit + shared_blks_read)::float8 / calls as per_call
    from pg_stat_statements
    where dbid = (${database(sql)})
      and starts_with(btrim(query, E' \\n'), ${start})
  `;
  if (rows.length !== 1) throw new Error(`${rows.length} statements start with "${start}".`);
  return rows[0]!.per_call;
}
