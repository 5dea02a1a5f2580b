import { z } from "zod";
import type { Sql } from "../../app/db.ts";
import { defineHandler, type Handler } from "../task.ts";
import { untilFewer } from "../until-fewer.ts";

const batch = 1000;

/** How long after the time in `column` a row is of no use any more. */
const ended = [
  { table: "session", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "email_token", key: ["token_hash"], column: "expires_at", days: 0 },
  { table: "mail_stop", key: ["email"], column: "ends_at", days: 0 },
  { table: "email_change", key: ["email_change_id"], column: "created_at", days: 30 },
  { table: "throttle", key: ["action", "subject"], column: "ends_at", days: 0 },
];

/** Forgets what has ended: sessions, links in mails, stops of mails, throttles; changes of address after 30 days. */
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
    },
  });
}
