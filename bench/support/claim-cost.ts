import type { Sql } from "../../app/db/connect.ts";
import { createClaims } from "../../worker/engine/claim.ts";
import { join } from "../../worker/engine/session.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { z } from "zod";
import { randomUUID } from "node:crypto";
import { open } from "./database.ts";
import { noOpTypes } from "./tasks.ts";

const slots = 20;
/** More than the five after which Postgres may take a generic plan. */
const rounds = 30;

/** Buffers that finding lanes and a claim of 20 tasks read, counted by Postgres. Deletes the claimed tasks. */
export async function buffersPerClaim(sql: Sql, url: string): Promise<{ find: number; claim: number }> {
  const claimer = open(url, 1);
  const worker = randomUUID();
  await join(sql, { worker_id: worker, host: "bench", pid: process.pid });
  const handler = defineHandler({ params: z.unknown(), run: () => Promise.resolve() });
  const handlers = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
  for (let round = 0; round < rounds; round += 1) {
    // The first rounds read the catalog, too.
    if (round === rounds / 3) await sql`select pg_stat_statements_reset()`;
    // A new cache, so that each round finds the lanes first.
    const claims = createClaims({ sql: claimer, handlers, concurrency: slots, breakerRoom: () => Infinity });
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    const tasks = await claims.next(worker, new Map(), slots);
    if (tasks.length !== slots) throw new Error(`Claimed ${tasks.length} tasks instead of ${slots}.`);
  }
  await claimer.end();
  const cost = { find: await buffers(sql, "with recursive lane"), claim: await buffers(sql, "with taken") };
  await sql`delete from task where worker_id = ${worker}`;
  await sql`delete from worker where worker_id = ${worker}`;
  return cost;
}

async function buffers(sql: Sql, start: string): Promise<number> {
  const rows = await sql<{ per_call: number }[]>`
    select (shared_blks_hit + shared_blks_read)::float8 / calls as per_call
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and starts_with(btrim(query, E' \\n'), ${start})
  `;
  if (rows.length !== 1) throw new Error(`${rows.length} statements start with "${start}".`);
  return rows[0]!.per_call;
}
