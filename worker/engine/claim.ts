import type { Sql } from "../../app/db/connect.ts";
import { createLaneCache, type Lane } from "./lanes.ts";
import type { Handler, Task } from "./task.ts";

type Options = {
  sql: Sql;
  /** For a search for lanes that takes long; the same when it is left out. */
  slowSql?: Sql;
  handlers: Record<string, Handler>;
  /** Concurrency slots of this worker. */
  concurrency: number;
  /** How many more tasks of a type its breaker lets through. */
  breakerRoom: (type: string, running: number) => number;
  /** There may be more to claim. */
  onFound?: () => void;
};

/** A task as its claim returns it; the caller adds worker_id. */
export type Claimed = Omit<Task, "worker_id">;

export type Claims = ReturnType<typeof createClaims>;

/** The next claim can be under way while these tasks start. */
const mostAtOnce = 2000;

/** Decides what a worker claims next, and claims it. */
export function createClaims(options: Options) {
  const { sql, slowSql = sql, handlers, concurrency, breakerRoom, onFound = () => {} } = options;
  const types = Object.keys(handlers);
  const mostReserved = Math.floor(Math.min(concurrency, mostAtOnce) / 4);
  const lanes = createLaneCache({ sql, slowSql, types, onFound });
  const served = new Map<string, number>();
  let round = 0;
  let agedCredit = 0;

  function roomsFor(running: ReadonlyMap<string, number>): Map<string, Room> {
    const roomOf = (type: string): Room => {
      const count = running.get(type) ?? 0;
      const room = Math.min(handlers[type]!.concurrency - count, breakerRoom(type, count));
      return { room, running: count, served: served.get(type) ?? 0 };
    };
    return new Map(types.map((type) => [type, roomOf(type)]));
  }

  return {
    lanes,

    /** Claims for so many free slots, given how many tasks of each type are running. */
    async next(workerId: string, running: ReadonlyMap<string, number>, slots: number): Promise<Claimed[]> {
      const free = Math.min(slots, mostAtOnce);
      // A claim that returns nothing has found lanes empty: the next one asks the others.
      for (;;) {
        const { open } = lanes;
        const aged = Math.floor(agedCredit + free / 4);
        const quotas = shareSlots(open, roomsFor(running), { free, aged, mostReserved });
        if (!quotas.some(Boolean)) return [];

        const tasks = await claim(sql, workerId, open, quotas);
        lanes.advance(open, quotas, tasks);
        if (tasks.length === 0) continue;
        agedCredit = (agedCredit + free / 4) % 1;
        round += 1;
        for (const { task_type } of tasks) served.set(task_type, round);
        return tasks;
      }
    },
  };
}

/** How many more tasks of a type may start, how many are running, and in which claim the type was last served. */
export type Room = { room: number; running: number; served: number };

type Slots = {
  free: number;
  /** How many of them go to lanes whose front has waited too long. */
  aged: number;
  /** How many are kept, at most, for types that have nothing running. */
  mostReserved?: number;
};

/**
 * How many tasks to take from each lane. Aged lanes come first, the oldest before the others, for at most `aged` slots. The
 * rest is strict by priority: the lower number runs first. Within a priority a slot goes to the type with the fewest running
 * tasks, then to the one served longest ago. One slot for each type that has nothing running is kept from the others, so no
 * type ever takes all.
 */
export function shareSlots(
  lanes: Lane[],
  rooms: Map<string, Room>,
  { free, aged, mostReserved = Infinity }: Slots,
): number[] {
  const quotas = new Map(lanes.map((lane) => [lane, 0]));
  const types = new Map([...rooms].map(([type, room]) => [type, { ...room }]));
  const typeOf = ({ task_type }: Lane) => types.get(task_type)!;
  let idle = [...types.values()].filter(({ running }) => running === 0).length;
  let left = free;

  /** Gives the lane one slot, if it may have one. */
  const give = (lane: Lane): boolean => {
    const type = typeOf(lane);
    const mayTake = left > 0 && type.room > 0 && (type.running === 0 || left > Math.min(idle, mostReserved));
    if (!mayTake) return false;
    if (type.running === 0) idle -= 1;
    left -= 1;
    type.running += 1;
    type.room -= 1;
    quotas.set(lane, quotas.get(lane)! + 1);
    return true;
  };

  let agedLeft = aged;
  for (const lane of lanes.filter(({ is_aged }) => is_aged).toSorted((a, b) => a.due_since - b.due_since)) {
    while (agedLeft > 0 && give(lane)) agedLeft -= 1;
  }

  const byPriority = Map.groupBy(lanes, ({ priority }) => priority);
  for (const [, lanesOfOne] of [...byPriority].toSorted(([a], [b]) => a - b)) {
    const byUse = (a: Lane, b: Lane) => typeOf(a).running - typeOf(b).running || typeOf(a).served - typeOf(b).served;
    const waiting = lanesOfOne.toSorted(byUse).toReversed();
    // Level by level: the lanes with the fewest running tasks get slots until they have as many as the next ones.
    let level: Lane[] = [];
    for (let running = 0; level.length + waiting.length > 0; running += 1) {
      if (level.length === 0) ({ running } = typeOf(waiting.at(-1)!));
      while (waiting.length > 0 && typeOf(waiting.at(-1)!).running <= running) level.push(waiting.pop()!);
      level = level.filter(give);
    }
  }
  return [...quotas.values()];
}

/** Takes `quotas[n]` due tasks from the front of `lanes[n]`, oldest first. Skips rows that another transaction has locked. */
export function claim(sql: Sql, workerId: string, lanes: Lane[], quotas: number[]) {
  return sql<Claimed[]>`
    with taken as materialized (
      select due.place
      from unnest(
        ${lanes.map(({ task_type }) => task_type)}::text[],
        ${lanes.map(({ priority }) => priority)}::smallint[],
        ${lanes.map(({ run_at }) => run_at)}::text[]::timestamptz[],
        ${lanes.map(({ task_id }) => task_id)}::bigint[],
        ${quotas}::int[]
      ) as lane (task_type, priority, run_at, task_id, quota)
      cross join lateral (
        select task.ctid as place
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority
          and (task.run_at, task.task_id) >= (lane.run_at, lane.task_id) and task.run_at <= now()
          and worker_id is null
        order by task.run_at, task.task_id
        limit lane.quota
        for update skip locked
      ) as due
    )
    update task
    set worker_id = ${workerId}, attempt = least(attempt, 32766) + 1
    -- By its place, which can't change while we hold the lock: no index is asked twice. As an array: joined to the CTE,
    -- whose size the planner can't know, it would read the whole table.
    where ctid = any (array(select place from taken))
      -- The lock keeps other workers from declaring this one dead before the claim commits.
      and exists (select from worker where worker_id = ${workerId} and expired_at is null for key share)
    returning
      task_id, task_type, params, priority, attempt, crashes, now() as claimed_at,
      run_at::text, extract(epoch from run_at)::float8 as due_since, extract(epoch from created_at)::text as born
  `;
}
