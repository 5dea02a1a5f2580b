import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { id } from "./mail-handler.ts";
import type { Mailer } from "./mailer.ts";

const params = z.object({ mail_cause_id: id });

/** Returns a mailer that adds to a mail about security what caused it: `time`, `browser` and `network`. */
export function nameCauses(sql: Sql, mailer: Mailer, timeZone: string): Mailer {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long", timeZone });

  return {
    ...mailer,
    async send(attempt, mail) {
      const { data: known } = params.safeParse(attempt.task.params);
      if (!known) return mailer.send(attempt, mail);
      const [cause] = await sql<{ browser: string; network: string; created_at: Date }[]>`
        select browser, network, created_at
        from mail_cause
        where mail_cause_id = ${known.mail_cause_id}
      `;
      // The task was retried after its cause was pruned.
      if (!cause) return mailer.send(attempt, mail);
      const { browser, network, created_at } = cause;
      const data = { ...mail.data, browser, network, time: format.format(created_at) };
      await mailer.send(attempt, { ...mail, data });
    },
  };
}
