import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { receive, send, watchStarts } from "../support/messages.ts";
import { noOpTypes } from "../support/tasks.ts";

// The loop of the article: one random task at a time, deleted in a transaction that stays open while it runs.

const env = workerEnv();
const connections = 10;
const sql = connect({ ...env, DATABASE_POOL: connections }, "article loop");
await sql`
  create table task (
    task_id bigint primary key generated always as identity,
    task_type text not null,
    params jsonb not null,
    created_at timestamptz not null default now(),
    unique (task_type, params)
  )
`;
await Promise.all(Array.from({ length: connections }, () => sql`select 1`));
send("ready");

const { count: filled = 0 } = await receive("fill");
await sql`
  insert into task (task_type, params)
  select (${noOpTypes}::text[])[1 + n % 3], jsonb_build_object('id', n)
  from generate_series(1, ${filled}::int) as n
`;
send("filled");

const { count: total = 0 } = await receive("go");
const started = watchStarts(total);
await Promise.all(Array.from({ length: connections }, sweep));

async function sweep(): Promise<void> {
  while (await runOne());
}

async function runOne(): Promise<boolean> {
  return sql.begin(async (tx) => {
    const tasks = await tx`
      delete from task
      where task_id = (
        select task_id
        from task
        order by random()
        limit 1
        for update skip locked
      )
      returning task_id, task_type, params
    `;
    if (tasks.length > 0) started();
    return tasks.length > 0;
  });
}
