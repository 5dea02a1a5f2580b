import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { isReadable } from "../../app/db/feed.ts";
import { cleanUp } from "./clean-up.ts";
import { until } from "./until.ts";

/** Appends an event, by its type. */
export const appendEvent = (sql: Sql | TransactionSql, event_type: string, columns: object = {}) =>
  sql`insert into event ${sql({ event_type, ...columns })}`;

/** Resolves when all that was appended can be read: transactions of other tests, in the same server, may hold the feed up. */
export const untilReadable = (sql: Sql) =>
  until(
    "the feed has come so far",
    async () => (await sql`select from event where not ${isReadable(sql)}`).length === 0,
  );

/** A transaction that is open until it is told how to end, or until the end of the test. */
export async function openTransaction(sql: Sql) {
  const begun = Promise.withResolvers<TransactionSql>();
  const gate = Promise.withResolvers<void>();
  const ended = sql
    .begin(async (tx) => {
      begun.resolve(tx);
      await gate.promise;
    })
    .catch(() => {});
  const rollback = async () => {
    gate.reject(new Error("rolled back"));
    await ended;
  };
  cleanUp(rollback);
  return {
    tx: await begun.promise,
    async commit() {
      gate.resolve();
      await ended;
    },
    rollback,
  };
}
