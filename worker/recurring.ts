import type { Sql } from "../app/db/connect.ts";
import type { Log } from "../app/log.ts";
import { repeat } from "./engine/repeat.ts";

/** A task that is enqueued at set times: once per slot, however many workers run. */
export type Recurring = {
  /** Its row in `schedule`, which holds the last slot. */
  name: string;
  task_type: string;
  params?: Record<string, string>;
} & ({ daily_at: string; time_zone: string } | { every_minutes: number });

const pauseSeconds = 15;

type Options = {
  sql: Sql;
  log: Log;
  schedule: Recurring[];
  onEnqueued: () => void;
  signal: AbortSignal;
};

/** Enqueues recurring tasks when they are due, until the signal. */
export async function runSchedule({ sql, log, schedule, onEnqueued, signal }: Options): Promise<void> {
  const enqueue = async () => {
    if ((await enqueueDue(sql, schedule)).length > 0) onEnqueued();
  };
  if (schedule.length > 0) await repeat(enqueue, pauseSeconds, { signal, log });
}

/**
 * Enqueues the tasks whose slot has come, by the database's clock, and returns their names. If several slots passed
 * while no worker ran, the task is enqueued once. A new name waits for its next slot.
 */
export function enqueueDue(sql: Sql, recurring: Recurring[]) {
  const column = <Value>(read: (one: Recurring) => Value) => recurring.map(read);
  return sql<{ name: string }[]>`
    with slot as (
      select
        name, task_type, params,
        case
          when every_minutes is not null
            then to_timestamp(floor(extract(epoch from now()) / (60 * every_minutes)) * 60 * every_minutes)
          when today <= now() then today
          else (local_day - 1 + daily_at) at time zone time_zone
        end as slot
      from unnest(
        ${column(({ name }) => name)}::text[],
        ${column(({ task_type }) => task_type)}::text[],
        ${column(({ params }) => JSON.stringify(params ?? {}))}::text[]::jsonb[],
        ${column((one) => ("daily_at" in one ? one.daily_at : null))}::text[]::time[],
        ${column((one) => ("daily_at" in one ? one.time_zone : null))}::text[],
        ${column((one) => ("every_minutes" in one ? one.every_minutes : null))}::int[]
      ) as recurring (name, task_type, params, daily_at, time_zone, every_minutes)
      cross join lateral (select (now() at time zone coalesce(time_zone, 'UTC'))::date as local_day) as day
      cross join lateral (select (local_day + daily_at) at time zone time_zone as today) as start
    ), first_seen as (
      insert into schedule (name, last_slot)
      select name, slot from slot
      on conflict (name) do nothing
    ), due as (
      update schedule
      set last_slot = slot
      from slot
      where schedule.name = slot.name and last_slot < slot
      returning schedule.name
    ), new_task as (
      insert into task (task_type, params)
      select task_type, params
      from slot
      join due using (name)
    )
    select name
    from due
  `;
}
