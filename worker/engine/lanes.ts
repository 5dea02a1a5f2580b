import type { Sql } from "../../app/db.ts";

/** A lane is all pending tasks of one type and priority. Its front is where claims begin: `run_at` and `task_id`. */
export type Lane = {
  task_type: string;
  priority: number;
  run_at: string;
  task_id: string;
  /** `run_at` in seconds since 1970. */
  due_since: number;
  /** Whether its front has been due for over 5 minutes. */
  is_aged: boolean;
};

type CachedLane = Lane & {
  /** Nothing was due when it was last asked. */
  isEmpty: boolean;
  /** When it last had a task, by performance.now. */
  usedAt: number;
};

type Claimed = Pick<Lane, "task_type" | "priority" | "run_at" | "task_id" | "due_since">;

const keepMilliseconds = 60_000;
const pauseMilliseconds = 500;

/**
 * The lanes that had a task in the last minute, each with its front. To ask an empty one costs one descent of the index, so
 * claims ask known lanes first. `find` is dearer: it reads what is running, and what is done and not yet vacuumed, which can be
 * much while a snapshot is held. So it runs every half second, and after a notification whose task was not in a known lane at
 * once, but for at most a twentieth of the time.
 */
export function createLanes(sql: Sql, types: string[]) {
  const lanes = new Map<string, CachedLane>();
  let foundAt = -Infinity;
  let took = 0;
  let tookBefore = 0;
  let isFindAsked = false;
  let isUrgent = false;

  function millisecondsLeft(): number {
    // The cheaper of the last two: one that waited for a lock says nothing about the next.
    const least = isUrgent ? 20 * Math.min(took, tookBefore) : pauseMilliseconds;
    return Math.max(0, foundAt + Math.min(least, pauseMilliseconds) - performance.now());
  }

  return {
    /** Lanes that may have due tasks. */
    get open(): Lane[] {
      return [...lanes.values()].filter(({ isEmpty }) => !isEmpty);
    },

    /** Milliseconds until the lanes can be found again; infinite when nobody asked. */
    get pause(): number {
      return isFindAsked ? millisecondsLeft() : Infinity;
    },

    /** Asks to find lanes at the next occasion. After a notification, the known lanes are asked again too. */
    expectMore({ isNotified }: { isNotified: boolean }): void {
      isFindAsked = isUrgent = true;
      if (!isNotified) return;
      const oldest = performance.now() - keepMilliseconds;
      for (const [key, lane] of lanes) {
        if (lane.usedAt < oldest) lanes.delete(key);
        lane.isEmpty = false;
      }
    },

    /** Finds all lanes with due tasks, if it was asked for and is time. Returns whether there are any. */
    async find(): Promise<boolean> {
      if (!isFindAsked || millisecondsLeft() > 0) return false;
      isFindAsked = isUrgent = false;
      const started = performance.now();
      const due = await findLanes(sql, types);
      const now = performance.now();
      [foundAt, took, tookBefore] = [now, now - started, took];
      for (const lane of due) lanes.set(keyOf(lane), { ...lane, isEmpty: false, usedAt: now });
      return due.length > 0;
    },

    /** Moves the fronts behind the claimed tasks. A lane that gave nothing is empty. */
    advance(asked: Lane[], quotas: number[], tasks: Claimed[]): void {
      const given = new Map<string, Claimed>();
      for (const task of tasks) {
        const last = given.get(keyOf(task));
        if (!last || isBehind(task, last)) given.set(keyOf(task), task);
      }
      for (const [place, lane] of asked.entries()) {
        if (quotas[place] === 0) continue;
        const key = keyOf(lane);
        const last = given.get(key);
        const cached = lanes.get(key)!;
        if (!last) cached.isEmpty = true;
        else lanes.set(key, { ...cached, ...frontOf(last), usedAt: performance.now() });
      }
      if (tasks.length === 0) return;
      isFindAsked = true;
      isUrgent = false;
    },
  };
}

const keyOf = ({ task_type, priority }: Pick<Lane, "task_type" | "priority">) => `${task_type} ${priority}`;

const frontOf = ({ run_at, task_id, due_since }: Claimed) => ({ run_at, task_id, due_since });

const isBehind = (a: Claimed, b: Claimed) => (a.due_since - b.due_since || Number(a.task_id) - Number(b.task_id)) > 0;

/**
 * The lanes of these types that have due tasks, and the front of each. A loose index scan: one descent for each lane, and a
 * walk over its running tasks.
 */
export function findLanes(sql: Sql, types: string[]) {
  return sql<Lane[]>`
    with recursive lane as (
      select known.task_type, best.priority
      from unnest(${types}::text[]) as known (task_type)
      cross join lateral (
        select priority
        from task
        where task.task_type = known.task_type
        order by priority
        limit 1
      ) as best
      union all
      select lane.task_type, next.priority
      from lane
      cross join lateral (
        select priority
        from task
        where task.task_type = lane.task_type and task.priority > lane.priority
        order by priority
        limit 1
      ) as next
    )
    select
      task_type, priority, run_at::text, task_id, extract(epoch from run_at)::float8 as due_since,
      run_at < now() - interval '5 minutes' as is_aged
    from lane
    cross join lateral (
      select run_at, task_id
      from task
      where task.task_type = lane.task_type and task.priority = lane.priority
        and run_at <= now() and worker_id is null
      order by run_at, task_id
      limit 1
    ) as front
    order by run_at, task_id
  `;
}

/** Types of pending tasks, due or not, that this worker has no handler for. */
export function unknownTypes(sql: Sql, types: string[]) {
  return sql<{ task_type: string }[]>`
    with recursive pending (task_type) as (
      select min(task_type)
      from task
      union all
      select (select min(task_type) from task where task.task_type > pending.task_type)
      from pending
      where task_type is not null
    )
    select task_type
    from pending
    where task_type <> all(${types})
  `;
}
