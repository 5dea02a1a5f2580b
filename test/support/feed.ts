import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { isReadable } from "../../app/db/feed.ts";
import { cleanUp } from "./clean-up.ts";
import { until } from "./until.ts";

/** Appends an event, by its type. */
export const appendEvent = (sql: Sql | TransactionSql, event_type: string, columns: object = {}) =>
  sql`insert into event ${sql({ event_type, ...columns })}`;

/** Resolves when all events can be read. A transaction of another test on the same server can delay the feed. */
export const untilReadable = (sql: Sql) =>
  until("all events can be read", async () => (await sql`select from event where not ${isReadable(sql)}`).length === 0);

/** A transaction that stays open until it is committed or rolled back, or until the end of the test. */
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
