import { setTimeout as delay } from "node:timers/promises";
import type { TransactionSql } from "postgres";
import type { Sql } from "./connect.ts";

/** How long a connection may take to close after its last error. */
const closingMilliseconds = 1000;

/**
 * Runs `work` in a transaction, which commits when `work` resolves and rolls back when it throws. Unlike `sql.begin`
 * alone, it survives a lost connection: postgres.js would send `rollback` or `commit` on the closed one, and then
 * either an uncaught error ends the process or the connection never comes back (porsager/postgres#1208).
 */
export async function transact<Result>(sql: Sql, work: (tx: TransactionSql) => Promise<Result>): Promise<Result> {
  let isOver = false;
  let result!: Result;
  // After a lost connection, stay here and send nothing more: `begin` rejects when the connection closes.
  const never = new Promise<never>(() => {});

  async function run(tx: TransactionSql): Promise<void> {
    try {
      const untilOver = new Proxy(tx, {
        apply: (target, self, values: Parameters<TransactionSql>): unknown =>
          isOver ? never : Reflect.apply(target, self, values),
      });
      result = await work(untilOver);
    } catch (error) {
      if (isLostConnection(error)) await delay(closingMilliseconds);
      if (!isOver) throw error;
    }
    if (isOver) await never;
  }

  try {
    await sql.begin(run);
  } finally {
    isOver = true;
  }
  return result;
}

/** Whether the server (FATAL, PANIC), postgres.js or Node has ended the connection with this error. */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return false;
  if ("severity" in error) return error.severity === "FATAL" || error.severity === "PANIC";
  return /^(CONNECTION_|ECONN|EPIPE|ETIMEDOUT)/.test(error.code);
}
