import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";
import { untilFewer } from "../webhooks/until-fewer.ts";

const batch = 1000;

/** How long after the time in `column` a row is of no use any more. */
const ended = [
  { table: "session", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "email_token", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "email_suppression", key: ["email"], column: "ends_at", days: 0 },
  { table: "email_change", key: ["email_change_id"], column: "created_at", days: 30 },
  { table: "rate_limit", key: ["action", "subject"], column: "ends_at", days: 0 },
  { table: "known_browser", key: ["token_hash", "usr_id"], column: "seen_at", days: 400 },
];

/**
 * Forgets what has ended: sessions, links in mails, stops of mails, throttles; changes of address after 30 days, known
 * browsers after 400; and failed log-ins of addresses without a verified account. Those of an account count until its next success.
 */
export function pruneExpired(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      for (const { table, key, column, days } of ended) {
        // A row that somebody is at in this moment is skipped, so that no visitor waits and no locks cross.
        await untilFewer(
          batch,
          signal,
          async () => sql`
            delete from ${sql(table)}
            where (${sql(key)}) in (
              select ${sql(key)}
              from ${sql(table)}
              where ${sql(column)} < now() - make_interval(days => ${days})
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
