import { z } from "zod";
import { defineHandler, type Handler } from "../engine/task.ts";

/**
 * Enqueues one mail to each operator about yesterday in the operators' time zone. The tasks hold the figures: a day is
 * counted once, and a late mail shows the same figures as the others.
 */
export function enqueueDigests(timeZone: string): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    run: ({ finish }) =>
      finish(
        (tx) => tx`
          with today as (
            select date_trunc('day', now(), ${timeZone}) as ends_at
          ), yesterday as (
            select ends_at - interval '12 hours' as within, ends_at
            from today
          ), day as (
            -- Truncates about noon: a day may be shorter or longer than 24 hours, and where clocks go back at
            -- midnight, as in the Azores, an hour before the second midnight is still the same day.
            select date_trunc('day', within, ${timeZone}) as starts_at, ends_at
            from yesterday
          ), figure as (
            select
              count(*) filter (where event_type = 'SIGNED_UP') as signed_up,
              count(*) filter (where event_type = 'EMAIL_VERIFIED') as verified,
              count(*) filter (where event_type = 'MAIL_SENT') as mails_sent,
              count(*) filter (where event_type = 'TASK_DEAD') as tasks_dead
            from event
            join day on created_at >= starts_at and created_at < ends_at
          )
          insert into task (task_type, params)
          select
            'SEND_EMAIL_DIGEST',
            to_jsonb(figure) || jsonb_build_object(
              'usr_id', usr_id::text,
              'day', (starts_at at time zone ${timeZone})::date
            )
          from operator
          cross join day
          cross join figure
        `,
      ),
  });
}
