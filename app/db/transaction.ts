import { setTimeout as delay } from "node:timers/promises";
import type { TransactionSql } from "postgres";
import type { Sql } from "./connect.ts";

/** In which a connection closes after its last error. */
const closingMilliseconds = 1000;

/**
 * A transaction: what the work writes is committed when it resolves, or not at all. Unlike `sql.begin` alone it outlives the loss
 * of its connection: there, the library says `rollback` or `commit` on a line that is gone, and the process ends by an error that
 * nobody can catch, or the connection never comes back (porsager/postgres#1208).
 */
export async function transact<Result>(sql: Sql, work: (tx: TransactionSql) => Promise<Result>): Promise<Result> {
  let isOver = false;
  let result!: Result;
  // What has lost its connection says nothing more: `begin` rejects by itself when that has closed.
  const never = new Promise<never>(() => {});

  async function say(tx: TransactionSql): Promise<void> {
    try {
      result = await work(silenced(tx, () => isOver, never));
    } catch (error) {
      if (isLoss(error)) await delay(closingMilliseconds);
      if (!isOver) throw error;
    }
    if (isOver) await never;
  }

  try {
    await sql.begin(say);
  } finally {
    isOver = true;
  }
  return result;
}

/** Says nothing from the moment on in which it is over. */
const silenced = (tx: TransactionSql, isOver: () => boolean, never: Promise<never>) =>
  new Proxy(tx, {
    apply: (target, self, words: Parameters<TransactionSql>): unknown =>
      isOver() ? never : Reflect.apply(target, self, words),
  });

/** Whether the connection may go with the error: the server (FATAL, PANIC), the library or Node has ended it. */
function isLoss(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return false;
  if ("severity" in error) return error.severity === "FATAL" || error.severity === "PANIC";
  return /^(CONNECTION_|ECONN|EPIPE|ETIMEDOUT)/.test(error.code);
}
