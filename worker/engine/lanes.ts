import type { Sql } from "../../app/db/connect.ts";

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
  /** It gave less than the last claim asked for. */
  isEmpty: boolean;
  /** When it last had a task, by performance.now. */
  usedAt: number;
};

type Claimed = Pick<Lane, "task_type" | "priority" | "run_at" | "task_id" | "due_since">;

const keepMilliseconds = 60_000;
const pauseMilliseconds = 400;
/** Less than a poll, so each poll of an idle worker is a full search. */
const fullPauseMilliseconds = 800;
const longestPauseMilliseconds = 20_000;
/** A full search that takes longer runs beside the claims. */
const briefMilliseconds = 20;

type Options = {
  sql: Sql;
  /** For a search that takes long. */
  slowSql: Sql;
  types: string[];
  /** A search that ran beside the claims has ended. */
  onFound: () => void;
};

/**
 * The lanes that had a task in the last minute, each with its front. An empty one costs a claim one descent of the index, so
 * claims ask the known lanes first.
 *
 * `find` searches for other lanes, and for tasks behind the fronts of empty ones: at once after a notification that brought
 * nothing, else at most every 0.4 s. Only a full search finds tasks before a front (reclaimed, locked before, inserted with an
 * old `run_at`). It reads all that is done and not yet vacuumed, which can be much while a snapshot is held. So it pauses 20
 * times as long as it took, between 0.8 and 20 s.
 */
export function createLaneCache({ sql, slowSql, types, onFound }: Options) {
  const lanes = new Map<string, CachedLane>();
  let isAsked = false;
  let isUrgent = false;
  let searchedAt = -Infinity;
  let fullSearchAt = -Infinity;
  let tookMilliseconds: number[] = [];
  let reclaims = 0;
  let isSearching = false;

  const pause = () => (isUrgent ? 0 : Math.max(0, searchedAt + pauseMilliseconds - performance.now()));

  /** Leaves out the lanes that have more: the next claim asks them anyway. */
  async function search(): Promise<boolean> {
    const known = [...lanes.values()];
    const empty = known.filter(({ isEmpty }) => isEmpty);
    return keep(await findLanes(sql, types, known, empty));
  }

  async function searchFully(where: Sql): Promise<boolean> {
    const started = performance.now();
    const reclaimsBefore = reclaims;
    try {
      return keep(await findLanes(where, types));
    } finally {
      // Also when it was canceled. The shorter of the last two counts: one that waited for a lock says nothing about the next.
      tookMilliseconds = [...tookMilliseconds, performance.now() - started].slice(-2);
      const longPause = Math.min(20 * Math.min(...tookMilliseconds), longestPauseMilliseconds);
      // Tasks that were reclaimed during the search may be missing.
      if (reclaims === reclaimsBefore) fullSearchAt = performance.now() + Math.max(longPause, fullPauseMilliseconds);
    }
  }

  function keep(found: Lane[]): boolean {
    const usedAt = performance.now();
    for (const lane of found) lanes.set(keyOf(lane), { ...lane, isEmpty: false, usedAt });
    return found.length > 0;
  }

  return {
    /** Lanes that may have due tasks. */
    get open(): CachedLane[] {
      return [...lanes.values()].filter(({ isEmpty }) => !isEmpty);
    },

    /** Milliseconds until `find` may search; infinite when no search was asked for. */
    get pause(): number {
      return isAsked ? pause() : Infinity;
    },

    /** Asks for a search. After a notification, claims ask the empty lanes again as well. */
    expectMore({ isNotified }: { isNotified: boolean }): void {
      isAsked = isUrgent = true;
      if (!isNotified) return;
      const oldest = performance.now() - keepMilliseconds;
      for (const [key, lane] of lanes) {
        if (lane.usedAt < oldest) lanes.delete(key);
        lane.isEmpty = false;
      }
    },

    /** Lets the next search be a full one: tasks were reclaimed. */
    expectOld(): void {
      reclaims += 1;
      fullSearchAt = -Infinity;
    },

    /** Searches for lanes with due tasks, if that was asked for and is time. Returns whether there are any. */
    async find(): Promise<boolean> {
      if (!isAsked || pause() > 0) return false;
      isAsked = isUrgent = false;
      searchedAt = performance.now();
      if (isSearching || searchedAt < fullSearchAt) return search();
      if (tookMilliseconds.length === 0 || Math.min(...tookMilliseconds) < briefMilliseconds) return searchFully(sql);
      isSearching = true;
      searchFully(slowSql)
        .then(onFound, () => {})
        .finally(() => (isSearching = false));
      return search();
    },

    /** Moves the fronts behind the claimed tasks. */
    advance(asked: CachedLane[], quotas: number[], tasks: Claimed[]): void {
      const usedAt = performance.now();
      const byLane = Map.groupBy(tasks, keyOf);
      for (const [place, lane] of asked.entries()) {
        const key = keyOf(lane);
        // A search may have found an older front meanwhile.
        if (quotas[place] === 0 || lanes.get(key) !== lane) continue;
        const given = byLane.get(key);
        if (!given) lane.isEmpty = true;
        else lanes.set(key, { ...lane, ...frontOf(given), isEmpty: given.length < quotas[place]!, usedAt });
      }
      if (tasks.length > 0) [isAsked, isUrgent] = [true, false];
    },
  };
}

const keyOf = ({ task_type, priority }: Pick<Lane, "task_type" | "priority">) => `${task_type} ${priority}`;

function frontOf(tasks: Claimed[]) {
  const { run_at, task_id, due_since } = tasks.reduce((last, task) => (isBehind(task, last) ? task : last));
  return { run_at, task_id, due_since };
}

const isBehind = (a: Claimed, b: Claimed) => (a.due_since - b.due_since || Number(a.task_id) - Number(b.task_id)) > 0;

/**
 * The lanes of these types that have due tasks, and the front of each, oldest first. Known lanes are left out, but for the
 * `empty` ones, which are searched from their fronts. A loose index scan: one descent for each lane, and a walk over its running
 * tasks.
 */
export function findLanes(sql: Sql, types: string[], known: Lane[] = [], empty: Lane[] = []) {
  const gaps = gapsBetween(types, known);
  return sql<Lane[]>`
    with recursive lane as (
      select gap.task_type, gap.above as priority, gap.below, false as is_lane
      from jsonb_to_recordset(${sql.json(gaps)}) as gap (task_type text, above int, below int)
      union all
      select lane.task_type, next.priority::int, lane.below, true
      from lane
      cross join lateral (
        select priority
        from task
        where task.task_type = lane.task_type and task.priority > lane.priority and task.priority < lane.below
        order by priority
        limit 1
      ) as next
    ), start as (
      select task_type, priority, timestamptz '-infinity' as run_at, bigint '0' as task_id
      from lane
      where is_lane
      union all
      select task_type, priority, run_at, task_id
      from jsonb_to_recordset(${sql.json(empty)})
        as empty (task_type text, priority int, run_at timestamptz, task_id bigint)
    )
    select
      task_type, priority, front.run_at::text, front.task_id, extract(epoch from front.run_at)::float8 as due_since,
      front.run_at < now() - interval '5 minutes' as is_aged
    from start
    cross join lateral (
      select run_at, task_id
      from task
      where task.task_type = start.task_type and task.priority = start.priority
        and (task.run_at, task.task_id) >= (start.run_at, start.task_id) and task.run_at <= now()
        and worker_id is null
      order by run_at, task_id
      limit 1
    ) as front
    order by front.run_at, front.task_id
  `;
}

/** The ranges of priorities, by type, in which no lane is known. */
function gapsBetween(types: string[], known: Lane[]): { task_type: string; above: number; below: number }[] {
  return types.flatMap((task_type) => {
    const mine = known.filter((lane) => lane.task_type === task_type).map(({ priority }) => priority);
    const bounds = [-32_769, ...mine.toSorted((a, b) => a - b), 32_768];
    return bounds.slice(1).map((below, place) => ({ task_type, above: bounds[place]!, below }));
  });
}

/** Types of pending tasks, due or not, that this worker has no handler for. */
export function unknownTypes(sql: Sql, types: string[]) {
  return sql<{ task_type: string }[]>`
    select distinct task_type
    from lane
    where task_type <> all(${types})
  `;
}
