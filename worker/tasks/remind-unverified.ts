import { z } from "zod";
import { defineHandler, type Handler } from "../engine/task.ts";

/**
 * Enqueues one reminder for each user who has not verified the address, and signed up before the day of the last slot
 * (09:00) in the mails' time zone. So a slot that is made up at night skips users who signed up the evening before.
 */
export function remindUnverified(timeZone: string): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    run: ({ finish }) =>
      finish(
        (tx) => tx`
          with reminded as (
            insert into email_reminded (usr_id)
            select usr_id
            from usr
            where created_at < date_trunc('day', (now() at time zone ${timeZone}) - interval '9 hours') at time zone ${timeZone}
              and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
              and not exists (select from email_reminded where email_reminded.usr_id = usr.usr_id)
            -- Waits for a transaction that deletes the user, and leaves the user out.
            for key share
            on conflict do nothing
            returning usr_id
          )
          insert into task (task_type, params)
          -- One mail to each mailbox, however many of its +tags signed up.
          select distinct on (mailbox_of(email)) 'SEND_EMAIL_REMINDER', jsonb_build_object('usr_id', usr_id::text)
          from reminded
          join usr using (usr_id)
          order by mailbox_of(email), usr_id
        `,
      ),
  });
}
