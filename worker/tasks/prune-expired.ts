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
  { table: "rate_limit", key: ["action", "subject"], column: "ends_at", days: 0 },
  { table: "known_browser", key: ["token_hash", "usr_id"], column: "seen_at", days: 400 },
];

/**
 * Deletes sessions, mailed links, suppressions and rate limits that have ended, changes of address after 30 days, and
 * known browsers after 400. Failed log-ins of addresses without a verified account are deleted after an hour; those of
 * an account stay until its next log-in or mailed link.
 */
export function pruneExpired(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      for (const { table, key, column, days } of expired) {
        const isVersioned = ["session", "email_token", "known_browser"].includes(table);
        // "Less than": a session that is being renewed may have a newer version than the user in this snapshot.
        const isVoid = isVersioned
          ? sql`usr_version < (select version from usr where usr.usr_id = past.usr_id)`
          : sql`false`;
        // Locked rows are skipped: no request waits, and no deadlock is possible.
        await untilFewer(
          batch,
          signal,
          async () => sql`
            delete from ${sql(table)}
            where (${sql(key)}) in (
              select ${sql(key)}
              from ${sql(table)} as past
              where ${sql(column)} < now() - make_interval(days => ${days}) or ${isVoid}
              limit ${batch}
              for update skip locked
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
