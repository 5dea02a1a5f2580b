import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import type { Session } from "./session.ts";
import type { Task } from "./task.ts";

type Options = { sql: Sql; session: Session; log: Log; onReclaimed: () => void };

const died = "The worker died, or was cut off, before there was an outcome.";
const stopped = "The worker was stopped before there was an outcome.";

/** Returns a function that reclaims the tasks of dead workers; to be called every heartbeat. */
export function createReclaim({ sql, session, log, onReclaimed }: Options) {
  let judgedAs: string | undefined;

  return async (): Promise<void> => {
    const { workerId } = session;
    if (!workerId || !session.mayJudge) return;
    const expired = await expireLeases(sql, workerId);
    // Once per session also without a dead worker: a restored database may hold tasks of workers that have no row.
    if (expired.length === 0 && judgedAs === workerId) return;
    const tasks = await reclaim(sql);
    judgedAs = workerId;
    for (const task of tasks) log.warn(task, "reclaimed: its worker is gone");
    if (tasks.length > 0) onReclaimed();
  };
}

/** Declares workers dead whose lease has expired. Returns these, and those declared before that have tasks left. */
export function expireLeases(sql: Sql, judge: string) {
  return sql<{ worker_id: string }[]>`
    with expired as materialized (
      select worker_id
      from worker
      where expired_at is null and seen_at + make_interval(secs => lease_seconds) < now()
        -- A worker whose own heartbeat is late has been frozen, perhaps together with all others.
        and exists (
          select
          from worker as judge
          where judge.worker_id = ${judge} and judge.seen_at + make_interval(secs => judge.lease_seconds / 3) > now()
        )
      for update skip locked
    ), marked as (
      update worker
      set expired_at = now()
      from expired
      where worker.worker_id = expired.worker_id
    )
    select worker_id from expired
    union all
    select worker_id from worker where expired_at is not null
  `;
}

/**
 * The running tasks, by a walk over the due part of all lanes. No index names worker_id, because each claim would have to change
 * it. So this is only for when a worker has died, or has lost the answer to a claim.
 */
const runningTasks = (sql: Sql) => sql`
  running as (
    select task.task_id, task.attempt, task.worker_id
    from lane
    join task using (task_type, priority)
    where run_at <= now() and worker_id is not null
  )
`;

/**
 * Takes back the tasks of workers that are dead or have no row. A task that another transaction has locked is left to the next
 * call, and so is its worker's row.
 */
export function reclaim(sql: Sql) {
  return sql<Pick<Task, "task_id" | "task_type" | "attempt">[]>`
    with ${runningTasks(sql)}, left_behind as materialized (
      select task_id, attempt, worker_id
      from running
      where not exists (
        select from worker where worker.worker_id = running.worker_id and worker.expired_at is null
      )
    ), free as materialized (
      select task_id
      from task
      join left_behind using (task_id, attempt, worker_id)
      order by task_id
      for update of task skip locked
    ), reclaimed as (
      update task
      set worker_id = null, crashes = least(crashes, 32766) + 1
      from free
      where task.task_id = free.task_id
      returning task.task_id, task_type, attempt
    ), noted as (
      insert into task_error (task_id, attempt, error)
      select task_id, attempt, ${died} from reclaimed
      on conflict do nothing
    ), gone as (
      delete from worker
      where expired_at is not null and not exists (
        select
        from left_behind
        where left_behind.worker_id = worker.worker_id and task_id not in (select task_id from reclaimed)
      )
    )
    select task_id, task_type, attempt from reclaimed
  `;
}

/** Waits until no claim of the worker is under way in the database, whatever became of its connection. */
export function waitForClaims(sql: Sql, workerId: string) {
  return sql`select from worker where worker_id = ${workerId} for update`;
}

/** Releases the tasks that this worker has claimed and does not know of: the answer to the claim was lost. */
export function releaseUnknown(sql: Sql, workerId: string, known: Pick<Task, "task_id">[]) {
  return sql`
    with ${runningTasks(sql)}, unknown as materialized (
      select task_id, worker_id
      from running
      where worker_id = ${workerId} and task_id <> all(${known.map(({ task_id }) => task_id)}::bigint[])
    ), free as materialized (
      select task_id
      from task
      join unknown using (task_id, worker_id)
      for update of task skip locked
    )
    update task
    set worker_id = null, attempt = attempt - 1
    from free
    where task.task_id = free.task_id
  `;
}

/**
 * A worker ends its session. What it still holds was started, and its outcome is unknown. If a task is locked, or the answer to
 * a claim is missing, the row stays: its lease will expire.
 */
export function leave(sql: Sql, workerId: string, held: Pick<Task, "task_id">[], isSure = true) {
  const ids = held.map(({ task_id }) => task_id);
  return sql`
    with mine as materialized (
      select task_id
      from task
      where task_id = any(${ids}::bigint[]) and worker_id = ${workerId}
      for update skip locked
    ), freed as (
      update task
      set worker_id = null, crashes = least(crashes, 32766) + 1
      from mine
      where task.task_id = mine.task_id
      returning task.task_id, attempt
    ), gone as (
      delete from worker
      where worker_id = ${workerId} and ${isSure} and not exists (
        select
        from task
        where task_id = any(${ids}::bigint[]) and worker_id = ${workerId} and task_id not in (select task_id from mine)
      )
    )
    insert into task_error (task_id, attempt, error)
    select task_id, attempt, ${stopped} from freed
    on conflict do nothing
  `;
}
