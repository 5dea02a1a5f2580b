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
  /** Nothing was due when it was last asked. */
  isEmpty: boolean;
  /** When it last had a task, by performance.now. */
  usedAt: number;
};

type Claimed = Pick<Lane, "task_type" | "priority" | "run_at" | "task_id" | "due_since">;

const keepMilliseconds = 60_000;
const pauseMilliseconds = 400;
/** Less than a poll, so that each poll of an idle worker is a search from the start. */
const fullPauseMilliseconds = 800;
const longestPauseMilliseconds = 20_000;
/** A search that takes longer runs beside the claims. */
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
 * The lanes that had a task in the last minute, each with its front. To ask an empty one costs one descent of the index, so
 * claims ask known lanes first.
 *
 * `find` looks for other lanes, and behind the fronts of the empty ones. It runs at once after a notification that brought
 * nothing, and else at most every 0.4 s. Tasks before a front (reclaimed, locked before, inserted with an old `run_at`) take
 * a full search, from the start of each lane. That reads all that is done and not yet vacuumed, which can be much while a
 * snapshot is held: so it pauses 20 times as long as it took, for 20 s at most.
 */
export function createLanes({ sql, slowSql, types, onFound }: Options) {
  const lanes = new Map<string, CachedLane>();
  const full = createPace();
  let isSearching = false;
  let isAsked = false;
  let isUrgent = false;
  let searchedAt = -Infinity;

  const millisecondsLeft = () => (isUrgent ? 0 : Math.max(0, searchedAt + pauseMilliseconds - performance.now()));

  /** Lanes that have given all that was asked for are left out: the next claim asks them anyway. */
  async function search(): Promise<boolean> {
    const known = [...lanes.values()];
    const empty = known.filter(({ isEmpty }) => isEmpty);
    return keep(await findLanes(sql, types, known, empty));
  }

  async function searchFromStart(where: Sql): Promise<boolean> {
    const started = performance.now();
    // Also when it fails: a search that takes too long is canceled.
    const found = Promise.resolve(findLanes(where, types)).finally(() => full.note(started));
    return keep(await found);
  }

  function keep(found: Lane[]): boolean {
    const now = performance.now();
    for (const lane of found) lanes.set(keyOf(lane), { ...lane, isEmpty: false, usedAt: now });
    return found.length > 0;
  }

  return {
    /** Lanes that may have due tasks. */
    get open(): CachedLane[] {
      return [...lanes.values()].filter(({ isEmpty }) => !isEmpty);
    },

    /** Milliseconds until the lanes can be found again; infinite when nobody asked. */
    get pause(): number {
      return isAsked ? millisecondsLeft() : Infinity;
    },

    /** Asks to find lanes at the next occasion. After a notification, the known lanes are asked again too. */
    expectMore({ isNotified }: { isNotified: boolean }): void {
      isAsked = isUrgent = true;
      if (!isNotified) return;
      const oldest = performance.now() - keepMilliseconds;
      for (const [key, lane] of lanes) {
        if (lane.usedAt < oldest) lanes.delete(key);
        lane.isEmpty = false;
      }
    },

    /** Asks for a full search: tasks were reclaimed. */
    expectOld(): void {
      full.forget();
    },

    /** Finds lanes with due tasks, if it was asked for and is time. Returns whether there are any. */
    async find(): Promise<boolean> {
      if (!isAsked || millisecondsLeft() > 0) return false;
      isAsked = isUrgent = false;
      searchedAt = performance.now();
      if (isSearching || !full.isDue) return search();
      if (full.took < briefMilliseconds) return searchFromStart(sql);
      isSearching = true;
      searchFromStart(slowSql)
        .then(onFound, () => {})
        .finally(() => (isSearching = false));
      return search();
    },

    /** Moves the fronts behind the claimed tasks. A lane that gave less than was asked for is empty. */
    advance(asked: CachedLane[], quotas: number[], tasks: Claimed[]): void {
      const now = performance.now();
      const byLane = Map.groupBy(tasks, keyOf);
      for (const [place, lane] of asked.entries()) {
        const key = keyOf(lane);
        // A search may have found an older front meanwhile.
        if (quotas[place] === 0 || lanes.get(key) !== lane) continue;
        const given = byLane.get(key);
        if (!given) lane.isEmpty = true;
        else lanes.set(key, { ...lane, ...frontOf(given), isEmpty: given.length < quotas[place]!, usedAt: now });
      }
      if (tasks.length > 0) [isAsked, isUrgent] = [true, false];
    },
  };
}

/** Lets a full search pause 20 times as long as it took. */
function createPace() {
  let endedAt = -Infinity;
  let took = 0;
  let tookBefore = Infinity;

  return {
    /** Milliseconds that it took, the lesser of the last two: one that waited for a lock says nothing about the next. */
    get took(): number {
      return Math.min(took, tookBefore);
    },
    get isDue(): boolean {
      const pause = Math.min(Math.max(20 * this.took, fullPauseMilliseconds), longestPauseMilliseconds);
      return performance.now() >= endedAt + pause;
    },
    note(started: number): void {
      if (endedAt > 0) tookBefore = took;
      endedAt = performance.now();
      took = endedAt - started;
    },
    forget(): void {
      endedAt = -Infinity;
    },
  };
}

const keyOf = ({ task_type, priority }: Pick<Lane, "task_type" | "priority">) => `${task_type} ${priority}`;

function frontOf(tasks: Claimed[]) {
  const { run_at, task_id, due_since } = tasks.reduce((last, task) => (isBehind(task, last) ? task : last));
  return { run_at, task_id, due_since };
}

const isBehind = (a: Claimed, b: Claimed) => (a.due_since - b.due_since || Number(a.task_id) - Number(b.task_id)) > 0;

type Gap = { task_type: string; above: number; below: number };

/** The ranges of priorities, by type, in which no lane is known. */
function gapsBetween(types: string[], known: Lane[]): Gap[] {
  return types.flatMap((task_type) => {
    const mine = known.filter((lane) => lane.task_type === task_type).map(({ priority }) => priority);
    const bounds = [-32_769, ...mine.toSorted((a, b) => a - b), 32_768];
    return bounds.slice(1).map((below, place) => ({ task_type, above: bounds[place]!, below }));
  });
}

/**
 * The lanes of these types that have due tasks, and the front of each. Known lanes are left out, but for the `empty` ones, which
 * are searched from their fronts on. A loose index scan: one descent for each lane, and a walk over its running tasks.
 */
export function findLanes(sql: Sql, types: string[], known: Lane[] = [], empty: Lane[] = []) {
  const gaps = gapsBetween(types, known);
  return sql<Lane[]>`
    with recursive lane as (
      select gap.task_type, best.priority, gap.below
      from unnest(
        ${gaps.map(({ task_type }) => task_type)}::text[],
        ${gaps.map(({ above }) => above)}::int[],
        ${gaps.map(({ below }) => below)}::int[]
      ) as gap (task_type, above, below)
      cross join lateral (
        select priority
        from task
        where task.task_type = gap.task_type and task.priority > gap.above and task.priority < gap.below
        order by priority
        limit 1
      ) as best
      union all
      select lane.task_type, next.priority, lane.below
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
      union all
      select *
      from unnest(
        ${empty.map(({ task_type }) => task_type)}::text[],
        ${empty.map(({ priority }) => priority)}::smallint[],
        ${empty.map(({ run_at }) => run_at)}::text[]::timestamptz[],
        ${empty.map(({ task_id }) => task_id)}::bigint[]
      ) as empty (task_type, priority, run_at, task_id)
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
