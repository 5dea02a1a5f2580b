import type { Log } from "../log.ts";
import { isUnprepared, type Sql } from "./connect.ts";
import { isQuery } from "./queries.ts";

/**
 * Warns of a pooler before the database when statements are prepared: a pgbouncer in transaction mode would lose them.
 * A server reports the process id of its backend to each new connection; a pooler reports another number.
 */
export async function warnOfPooler(sql: Sql, databaseUrl: string, log: Log): Promise<void> {
  if (isUnprepared(databaseUrl)) return;
  const query = sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const [row] = await query;
  const reported = isQuery(query) ? query.state?.pid : undefined;
  if (row!.pid === reported) return;
  log.warn(
    "a pooler is before the database: if it is pgbouncer in transaction mode, end DATABASE_URL with ?prepare=false, " +
      "or set max_prepared_statements in pgbouncer 1.21 or later",
  );
}
