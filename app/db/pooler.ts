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
  log.warn("a pooler is before the database: pgbouncer needs max_prepared_statements (from 1.21) or ?prepare=false");
}
