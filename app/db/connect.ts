import { readdir } from "node:fs/promises";
import postgres from "postgres";
import { arrayTypes } from "./array-types.ts";
import { cancelLate } from "./cancel-late.ts";
import { createLines } from "./silent-sockets.ts";

export type Sql = postgres.Sql;

type Settings = {
  DATABASE_URL: string;
  DATABASE_SSL: "off" | "require" | "verify";
  DATABASE_POOL: number;
};

const ssl = { off: false, require: "require", verify: "verify-full" } as const;

/**
 * A pool that connects when it is first used, and again by itself after the database was away. With `silenceSeconds` no
 * statement may take longer: five seconds before, it is canceled. A connection that is silent for so long is given up: a network may
 * lose it without a word.
 */
export function connect(settings: Settings, applicationName: string, silenceSeconds?: number): Sql {
  const sql = postgres(settings.DATABASE_URL, {
    max: settings.DATABASE_POOL,
    ssl: ssl[settings.DATABASE_SSL],
    // Below the deadline of a request, so that the user hears of it.
    connect_timeout: 4,
    // The library's own waits grow to 20 s: too long for a user once the database is back.
    backoff: () => 0.2,
    // Nothing but the name: a pooler refuses other settings (statement_timeout) at the start of a connection.
    connection: { application_name: `slim-signup ${applicationName}` },
    onnotice: () => {},
    // With this, `sql.reserve()` waits for ever when it has to connect first (porsager/postgres#1219): `sql.begin()` does not.
    fetch_types: false,
    types: arrayTypes,
    ...(silenceSeconds ? { idle_timeout: silenceSeconds - 2, socket: createLines(silenceSeconds) } : {}),
    // After a failover, the host that takes writes is another one.
    ...(settings.DATABASE_URL.includes(",") ? { target_session_attrs: "primary" } : {}),
  });
  return silenceSeconds ? cancelLate(sql, Math.max(silenceSeconds - 5, silenceSeconds / 2)) : sql;
}

/** The migrations of this release that the database has not had yet. */
export async function missingMigrations(sql: Sql): Promise<string[]> {
  const files = (await readdir(new URL("../../migrations/", import.meta.url))).filter((name) => name.endsWith(".sql"));
  const [table] = await sql<{ is_there: boolean }[]>`select to_regclass('migration') is not null as is_there`;
  if (!table?.is_there) return files;

  const rows = await sql<{ name: string }[]>`select name from migration`;
  const applied = new Set(rows.map(({ name }) => name));
  return files.filter((name) => !applied.has(name));
}

/** Whether the error says that the database is away for now, not that the statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return false;
  return unavailable.test(error.code);
}

// SQLSTATE classes 08 (connection), 53 (resources) and 57P (shutdown), 57014 (canceled), 40P01 (deadlock), 25006 (a standby
// after failover),
// then the names that postgres.js and Node give to a lost or refused connection.
const unavailable =
  /^(08...|53...|57P..|57014|40P01|25006|CONNECT(ION)?_\w+|E(CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH))$/;
