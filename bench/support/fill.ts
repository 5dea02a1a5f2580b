import type { Sql } from "../../app/db/connect.ts";
import { noOpTypes } from "./no-op-types.ts";

/** Owes tasks that do nothing, of each type in turn. */
export async function fill(sql: Sql, count: number): Promise<void> {
  await sql`
    insert into task (task_type, run_at)
    select (${noOpTypes}::text[])[1 + n % ${noOpTypes.length}::int], now() - interval '1 minute' + n * interval '1 microsecond'
    from generate_series(1, ${count}::int) as n
  `;
}
