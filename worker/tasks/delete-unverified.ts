import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";
import { untilFewer } from "./until-fewer.ts";

const days = 30;
const batch = 1000;

/** Deletes accounts that were not verified within 30 days, at least a day after their reminder. */
export function deleteUnverified(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      // A user who is being verified is locked, and is skipped until the next day. If a user was verified after this
      // statement began, the foreign key without cascade makes it fail, and the task is retried.
      await untilFewer(
        batch,
        signal,
        async () => sql`
          with deleted as (
            delete from usr
            where usr_id in (
              select usr_id
              from usr
              where created_at < now() - make_interval(days => ${days})
                and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
                and exists (
                  select
                  from email_reminded
                  where email_reminded.usr_id = usr.usr_id and reminded_at < now() - interval '1 day'
                )
              limit ${batch}
              for update skip locked
            )
            returning usr_id
          )
          insert into event (event_type, usr_id, data)
          select 'ACCOUNT_DELETED', usr_id, '{"because": "never verified"}'::jsonb from deleted
        `,
      );
    },
  });
}
