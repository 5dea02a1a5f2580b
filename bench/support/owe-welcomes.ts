import type { Sql } from "../../app/db/connect.ts";

/** New users, each of whom is owed the welcome mail. */
export async function oweWelcomes(sql: Sql, count: number): Promise<void> {
  await sql`
    with member as (
      insert into usr (email, password_hash)
      select n || '@people.example', 'none'
      from generate_series(1, ${count}::int) as n
      returning usr_id
    )
    insert into task (task_type, params)
    select 'SEND_EMAIL_WELCOME', jsonb_build_object('usr_id', usr_id::text)
    from member
  `;
}
