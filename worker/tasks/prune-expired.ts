import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";
import { untilFewer } from "./until-fewer.ts";

const batch = 1000;

/** How long after the time in `column` a row is no longer needed. */
const expired = [
  { table: "session", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "email_token", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "email_suppression", key: ["email"], column: "ends_at", days: 0 },
  { table: "email_change", key: ["email_change_id"], column: "created_at", days: 30 },
  { table: "mail_cause", key: ["mail_cause_id"], column: "created_at", days: 7 },
  { table: "rate_limit", key: ["action", "subject"], column: "ends_at", days: 0 },
  { table: "known_browser", key: ["token_hash", "usr_id"], column: "seen_at", days: 400 },
];

/** Rows that end when the version of their user is raised. */
const versioned = [
  { table: "session", key: ["token_hash"], isVoid: "true" },
  // The page of a used link says until it expires that the address is verified.
  { table: "email_token", key: ["token_hash"], isVoid: "purpose <> 'verify'" },
  { table: "known_browser", key: ["token_hash", "usr_id"], isVoid: "true" },
];

/**
 * Deletes sessions, mailed links, suppressions and rate limits that have ended, changes of address after 30 days, causes
 * of mails after 7, and known browsers after 400. Failed log-ins of addresses without a verified account are deleted after an hour; those of
 * an account stay until its next log-in or mailed link.
 */
export function pruneExpired(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      for (const { table, key, column, days } of expired) {
        // Locked rows are skipped: no request waits, and no deadlock is possible.
        await untilFewer(
          batch,
          signal,
          async () => sql`
            delete from ${sql(table)}
            where (${sql(key)}) in (
              select ${sql(key)}
              from ${sql(table)} as past
              where ${sql(column)} < now() - make_interval(days => ${days})
              limit ${batch}
              for update skip locked
            )
          `,
        );
      }
      for (const { table, key, isVoid } of versioned) {
        await untilFewer(
          batch,
          signal,
          async () => sql`
            delete from ${sql(table)}
            where (${sql(key)}) in (
              -- Materialized: under the limit, Postgres would look up the user of each row, which takes longer than the
              -- statement may.
              with void as materialized (
                select ${sql(key.map((column) => `past.${column}`))}
                from ${sql(table)} as past
                join usr using (usr_id)
                -- "Less than": a session that is renewed at this moment may have a newer version than the user in this
                -- snapshot.
                where usr_version < version and ${sql.unsafe(isVoid)}
                for update of past skip locked
              )
              select * from void limit ${batch}
            )
          `,
        );
      }
      await untilFewer(
        batch,
        signal,
        async () => sql`
          delete from log_in_failure
          where email in (
            select email
            from log_in_failure
            where failed_at < now() - interval '1 hour'
              and not exists (select from usr join email_verified using (usr_id) where usr.email = log_in_failure.email)
            limit ${batch}
            for update of log_in_failure skip locked
          )
        `,
      );
    },
  });
}
