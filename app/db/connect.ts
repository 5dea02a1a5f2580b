import { readdir } from "node:fs/promises";
import postgres from "postgres";
import { projectName } from "../env.ts";
import { arrayTypes } from "./array-types.ts";
import { watchQueries } from "./queries.ts";
import { createTimeouts } from "./timeouts.ts";

export type Sql = postgres.Sql;

type Settings = {
  DATABASE_URL: string;
  DATABASE_SSL: "off" | "require" | "verify";
  DATABASE_POOL: number;
};

const ssl = { off: false, require: "require", verify: "verify-full" } as const;

/**
 * A pool that connects at its first query, and reconnects after an outage. With `silenceSeconds`, a connection that
 * receives nothing for that long is destroyed, because a network may drop it without notice. Its query is canceled
 * five seconds before that.
 */
export function connect(settings: Settings, applicationName: string, silenceSeconds?: number): Sql {
  const timeouts = silenceSeconds ? createTimeouts(silenceSeconds) : undefined;
  const sql = postgres(settings.DATABASE_URL, {
    max: settings.DATABASE_POOL,
    ssl: ssl[settings.DATABASE_SSL],
    // Shorter than the deadline of a request, which then still gets its error page.
    connect_timeout: 4,
    // The default grows to 20 s, which is too long for a user once the database is back.
    backoff: () => 0.2,
    // Only the name: poolers refuse other settings (statement_timeout) when a connection starts.
    connection: { application_name: `${projectName} ${applicationName}` },
    onnotice: refuseUnreplicated,
    // A connection lost while it asks for the array types would end the process (porsager/postgres#1192), hence
    // `types`. Use `sql.begin()`: without fetching, `sql.reserve()` hangs on a new pool (porsager/postgres#1219).
    fetch_types: false,
    types: arrayTypes,
    ...(timeouts ? { idle_timeout: timeouts.idleSeconds, socket: timeouts.openSocket } : {}),
    // After a failover, another host accepts writes.
    ...(settings.DATABASE_URL.includes(",") ? { target_session_attrs: "primary" } : {}),
  });
  const limited = timeouts ? timeouts.limit(sql) : sql;
  return isUnprepared(settings.DATABASE_URL) ? sendAlone(limited) : limited;
}

/**
 * Sends each query on a connection that waits for no other. A query that is not prepared asks for its types first. If
 * that request follows another query, pgbouncer before 1.21 drops the response.
 */
const sendAlone = (sql: Sql) => watchQueries(sql, (query) => (query.options.onexecute = () => false));

/** Whether the URL says that statements are not prepared. */
export const isUnprepared = (url: string) => /[?&]prepare=false\b/.test(url);

/**
 * Fails the statement, or the transaction, whose wait for the synchronous standby was canceled. Postgres warns and
 * reports success, but a failover would lose the commit. An error thrown here rejects the query that has the notice.
 */
function refuseUnreplicated({ routine }: postgres.Notice): void {
  if (routine === "SyncRepWaitForLSN") throw new Unreplicated();
}

class Unreplicated extends Error {
  readonly code = "57014";

  constructor() {
    super("The commit's wait for the synchronous standby was canceled: a failover may lose it.");
  }
}

/** The migrations of this release that the database lacks. */
export async function missingMigrations(sql: Sql): Promise<string[]> {
  const files = (await readdir(new URL("../../migrations/", import.meta.url))).filter((name) => name.endsWith(".sql"));
  const [table] = await sql<{ is_there: boolean }[]>`select to_regclass('migration') is not null as is_there`;
  if (!table?.is_there) return files;

  const rows = await sql<{ name: string }[]>`select name from migration`;
  const applied = new Set(rows.map(({ name }) => name));
  return files.filter((name) => !applied.has(name));
}

/** Whether the error means that the database is temporarily away, not that the statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && unavailable.test(error.code);
}

// SQLSTATE: 08 connection, 53 resources, 57P shutdown, 57014 canceled, 40P01 deadlock, 25006 read-only (a standby
// after a failover); then the names in postgres.js and Node for a lost or refused connection.
const unavailable =
  /^(08...|53...|57P..|57014|40P01|25006|CONNECT(ION)?_\w+|E(CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH))$/;
