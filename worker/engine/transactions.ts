import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { transact } from "../../app/db/transaction.ts";

export type Transactions = ReturnType<typeof createTransactions>;

/** A frozen process holds its locks no longer than that; it is shorter than a lease. */
const idleTimeout = "10s";
/** Of each statement in the transaction. */
export const lockTimeout = "300ms";
const pauseMilliseconds = 50;
/** Below the time after which the pool gives up a silent connection: its backend must end first. */
const longestSeconds = 30;

/**
 * The transactions in which handlers finish: all but one of the pool's connections at once, and one less of each type, but at least
 * one. So a type whose rows are locked leaves room for the others. A transaction that waits for a lock for 0.3 s gives its
 * connection back and stands in line again, until the attempt is over.
 */
export function createTransactions(sql: Sql) {
  const most = Math.max(1, (sql.options.max ?? 1) - 1);
  const anyType = pLimit(most);
  const ofType = new Map<string, ReturnType<typeof pLimit>>();

  const limitOf = (type: string) => {
    const limit = ofType.get(type) ?? pLimit(Math.max(1, most - 1));
    ofType.set(type, limit);
    return limit;
  };

  /** `work` runs again when its transaction could not get a lock. `refuseIfOver` throws when the attempt has ended. */
  return async (
    type: string,
    timeoutSeconds: number,
    refuseIfOver: () => void,
    work: (tx: TransactionSql) => Promise<unknown>,
  ): Promise<void> => {
    const once = async () => {
      refuseIfOver();
      await transact(sql, async (tx) => {
        await limitTransaction(tx, timeoutSeconds);
        await work(tx);
      });
    };
    for (;;) {
      try {
        return await limitOf(type)(() => anyType(once));
      } catch (error) {
        if (!isLockTimeout(error)) throw error;
        await delay(pauseMilliseconds);
      }
    }
  };
}

function limitTransaction(tx: TransactionSql, timeoutSeconds: number) {
  return tx`
    select
      set_config('statement_timeout', ${`${Math.ceil(Math.min(timeoutSeconds, longestSeconds) * 1000)}ms`}, true),
      set_config('idle_in_transaction_session_timeout', ${idleTimeout}, true),
      set_config('lock_timeout', ${lockTimeout}, true)
  `;
}

const isLockTimeout = (error: unknown) => error instanceof Error && "code" in error && error.code === "55P03";
