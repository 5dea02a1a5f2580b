import type { Sql } from "../../app/db/connect.ts";

/** The types of the no-op tasks. */
export const noOpTypes = ["ONE", "TWO", "THREE"];

/** Enqueues no-op tasks, of each type in turn. */
export async function enqueueNoOps(sql: Sql, count: number): Promise<void> {
  await sql`
    insert into task (task_type, run_at)
    select (${noOpTypes}::text[])[1 + n % ${noOpTypes.length}::int], now() - interval '1 minute' + n * interval '1 microsecond'
    from generate_series(1, ${count}::int) as n
  `;
}

/** Inserts new users, and enqueues their welcome mails. */
export async function enqueueWelcomes(sql: Sql, count: number): Promise<void> {
  await sql`
    with new_user as (
      insert into usr (email, password_hash)
      select n || '@people.example', 'none'
      from generate_series(1, ${count}::int) as n
      returning usr_id
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_WELCOME', jsonb_build_object('usr_id', usr_id::text)
    from new_user
  `;
}
