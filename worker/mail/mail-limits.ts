import type { Sql } from "../../app/db/connect.ts";
import { Snooze } from "../engine/errors.ts";
import type { Task } from "../engine/task.ts";
import { createBatch } from "./batch.ts";
import type { Mailer } from "./mailer.ts";

/** Mails of one kind to one mailbox within the hour that begins with the first. */
const mailsPerHour = 3;
const jitterSeconds = 10;

/**
 * Returns mailers that keep the limits: one for each kind of mail that a stranger can cause by entering an address.
 * They snooze the task after too many of a kind, or while the mailbox is suppressed ("I did not sign up").
 */
export function createMailLimits(sql: Sql, mailer: Mailer): (kind: string) => Mailer {
  const findWait = createBatch((mails: Mail[]) => findWaits(sql, mails));

  return (kind) => ({
    ...mailer,
    async send(attempt, mail) {
      const { task_id } = attempt.task;
      const waits = await findWait({ kind, email: mail.to, task_id, attempt: attempt.task.attempt });
      const seconds = waits.get(task_id);
      if (seconds)
        throw new Snooze(seconds + Math.random() * jitterSeconds, "The mailbox gets no mail of this kind now.");
      await mailer.send(attempt, mail);
    },
  });
}

type Mail = { kind: string; email: string } & Pick<Task, "task_id" | "attempt">;

/** Counts the mails. Returns the seconds until a mail may be sent, for each one that has to wait. */
async function findWaits(sql: Sql, mails: Mail[]): Promise<Map<string, number>> {
  const rows = await sql<{ task_id: string; seconds: number }[]>`
    with mail as materialized (
      select
        task_id, kind,
        -- A verified account has a count of its own and no suppression: a stranger's +tag cannot affect it.
        coalesce(verified.usr_id::text, mailbox_of(email)) as subject,
        -- A retry was counted before. After "service down", attempt 1 comes again, and its error shows that.
        attempt = 1 and not exists (select from task_error where task_error.task_id = mail.task_id) as is_new
      from jsonb_to_recordset(${sql.json(mails)}) as mail (kind text, email text, task_id bigint, attempt int)
      -- No wait for the disk: a count may be lost in a crash of the database.
      cross join set_config('synchronous_commit', 'off', true)
      left join (usr join email_verified using (usr_id)) as verified using (email)
    ), mail_count as (
      insert into rate_limit (action, subject, hits, ends_at)
      select kind, subject, count(*), now() + interval '1 hour'
      from mail
      where is_new
      group by kind, subject
      -- Workers lock the rows in one order.
      order by kind, subject
      on conflict (action, subject) do update set
        hits = case when rate_limit.ends_at <= now() then 0 else rate_limit.hits end + excluded.hits,
        ends_at = case when rate_limit.ends_at <= now() then excluded.ends_at else rate_limit.ends_at end
      returning action as kind, subject, hits, ends_at
    )
    -- The mails of this statement are the last ones of their count; the oldest task comes first.
    select task_id, extract(epoch from ends_at - now())::float8 as seconds
    from (
      select *, row_number() over (partition by kind, subject order by task_id desc) as place
      from mail
      where is_new
    ) as new_mail
    join mail_count using (kind, subject)
    where hits - place >= ${mailsPerHour}
    union all
    select task_id, extract(epoch from ends_at - now())::float8
    from mail
    join email_suppression on email_suppression.email = subject
    where ends_at > now()
  `;
  return new Map(rows.map(({ task_id, seconds }) => [task_id, seconds]));
}
