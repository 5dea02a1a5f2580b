import type { Sql } from "../../app/db/connect.ts";
import { Snooze } from "../engine/errors.ts";
import type { Task } from "../engine/task.ts";
import { createBatch } from "./batch.ts";
import type { Mailer } from "./mailer.ts";

/** Mails of one kind to one mailbox within the hour that begins with the first, unless the kind has its own number. */
const mostPerHour = 3;
const jitterSeconds = 10;

/** A mailer that keeps the limit of a kind of mails. */
export type LimitMails = (kind: string, perHour?: number) => Mailer;

/**
 * Returns mailers that keep the limits: one for each kind of mail that a stranger can cause by entering an address.
 * They snooze the task after too many of a kind, or while the mailbox is suppressed ("I did not sign up").
 */
export function createMailLimits(sql: Sql, mailer: Mailer): LimitMails {
  const countMail = createBatch((mails: Mail[]) => countMails(sql, mails));

  return (kind, perHour = mostPerHour) => ({
    ...mailer,
    async send(attempt, mail) {
      const { task_id } = attempt.task;
      const counts = await countMail({
        kind,
        per_hour: perHour,
        email: mail.to,
        task_id,
        attempt: attempt.task.attempt,
      });
      const { seconds, subject, is_new } = counts.get(task_id)!;
      if (seconds)
        throw new Snooze(seconds + Math.random() * jitterSeconds, "The mailbox gets no mail of this kind now.");
      try {
        await mailer.send(attempt, mail);
      } catch (error) {
        // Nothing was sent, and the attempt comes again as a new one.
        if (error instanceof Snooze && is_new)
          await sql`
            update rate_limit set hits = least(hits, ${perHour}) - 1
            where action = ${kind} and subject = ${subject} and hits > 0
          `;
        throw error;
      }
    },
  });
}

type Mail = { kind: string; per_hour: number; email: string } & Pick<Task, "task_id" | "attempt">;

/** `seconds` until the mail may be sent, if it has to wait. */
type Count = { task_id: string; subject: string; is_new: boolean; seconds: number | null };

async function countMails(sql: Sql, mails: Mail[]): Promise<Map<string, Count>> {
  const rows = await sql<Count[]>`
    with mail as materialized (
      select
        task_id, kind, per_hour, subject, suppression.ends_at as suppressed_until,
        -- A retry is counted already. After "service down" the first attempt comes again, and has an error. A suppressed
        -- mail is counted when it is sent.
        attempt = 1 and suppression.ends_at is null
          and not exists (select from task_error where task_error.task_id = mail.task_id) as is_new
      from jsonb_to_recordset(${sql.json(mails)}) as mail (kind text, per_hour int, email text, task_id bigint, attempt int)
      -- No wait for the disk: a count may be lost in a crash of the database.
      cross join set_config('synchronous_commit', 'off', true)
      left join (usr join email_verified using (usr_id)) as verified using (email)
      -- A verified account has a count of its own and no suppression: no stranger can use a +tag against it. With the
      -- version: who moved the account cannot use up the mails of its owner, and a count ends with the links in its mails.
      cross join lateral coalesce(verified.usr_id || ' ' || version, mailbox_of(email)) as subject
      left join email_suppression as suppression on suppression.email = subject and ends_at > now()
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
    select
      task_id, mail.subject, is_new,
      extract(epoch from coalesce(suppressed_until, case when hits - place >= per_hour then ends_at end) - now())
        ::float8 as seconds
    -- The mails of this statement are the last ones of their count; the oldest task comes first.
    from (select *, row_number() over (partition by kind, subject, is_new order by task_id desc) as place from mail) as mail
    left join mail_count on is_new and (mail_count.kind, mail_count.subject) = (mail.kind, mail.subject)
  `;
  return new Map(rows.map((row) => [row.task_id, row]));
}
