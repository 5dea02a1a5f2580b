import { z } from "zod";
import { defineHandler, type Handler } from "../engine/task.ts";

/**
 * Owes one reminder to each person who has not verified the address, and signed up before the day, in the mails' time zone, of
 * the last slot (09:00): one that is made up at night must not remind who signed up the evening before.
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
              and not exists (
                select from email_suppression where email_suppression.email = mailbox_of(usr.email) and email_suppression.ends_at > now()
              )
            -- Who is deleted at this moment is waited for, and left out.
            for key share
            on conflict do nothing
            returning usr_id
          )
          insert into task (task_type, params)
          -- One mail to each mailbox, however many of its +tags have signed up.
          select distinct on (mailbox_of(email)) 'SEND_EMAIL_REMINDER', jsonb_build_object('usr_id', usr_id::text)
          from reminded
          join usr using (usr_id)
          order by mailbox_of(email), usr_id
        `,
      ),
  });
}
