import type { Sql } from "../db/connect.ts";
import { countTasks, mostCounted, type State } from "./count-tasks.ts";
import { readLastErrors, type LastError } from "./last-errors.ts";
import { readLastHour } from "./last-hour.ts";
import { listWorkers, type Breaker } from "./list-workers.ts";

export type TypeFigures = Record<State, number> & {
  task_type: string;
  oldest_due_seconds: number | null;
  failures_last_hour: number;
  last_error?: LastError;
  breakers: Breaker[];
  /** No live worker has a handler for it. */
  is_unknown: boolean;
};

export type Overview = Awaited<ReturnType<typeof readOverview>>;

/** Tasks by state and type, and the workers, at this moment. */
export async function readOverview(sql: Sql) {
  const [counts, workers, lastHour, lastErrors] = await Promise.all([
    countTasks(sql),
    listWorkers(sql),
    readLastHour(sql),
    readLastErrors(sql),
  ]);
  const alive = workers.filter(({ is_alive }) => is_alive);
  const breakers = alive.flatMap((worker) => worker.breakers);
  const known = alive.some(({ task_types }) => task_types)
    ? new Set(alive.flatMap(({ task_types }) => task_types ?? []))
    : undefined;

  const names = [counts, breakers].flatMap((rows) => rows.map(({ task_type }) => task_type));
  const types = [...new Set([...names, ...lastHour.failures.keys()])].toSorted().map((task_type): TypeFigures => {
    const own = counts.filter((count) => count.task_type === task_type);
    const last_error = lastErrors.find((error) => error.task_type === task_type);
    return {
      ...byState((state) => own.find((count) => count.state === state)?.tasks ?? 0),
      task_type,
      oldest_due_seconds: own.find(({ state }) => state === "due")?.oldest_due_seconds ?? null,
      failures_last_hour: lastHour.failures.get(task_type) ?? 0,
      ...(last_error && { last_error }),
      breakers: breakers.filter((breaker) => breaker.task_type === task_type),
      is_unknown: known !== undefined && !known.has(task_type),
    };
  });

  const inAll = byState((state) => types.reduce((sum, figures) => sum + figures[state], 0));
  const unknown = types.filter((type) => type.is_unknown && type.due + type.scheduled > 0);
  return {
    inAll,
    // What nobody has a handler for waits for a release, not for a worker: it must not hide how late the others are.
    oldestDueSeconds: oldest(types.filter(({ is_unknown }) => !is_unknown)),
    unknownTypes: unknown.map(({ task_type }) => task_type),
    unknownDue: unknown.reduce((sum, { due }) => sum + due, 0),
    types,
    workers: [...workers],
    minutes: lastHour.minutes,
    estimate: Math.max(inAll.due, inAll.scheduled) > mostCounted ? await estimate(sql) : undefined,
  };
}

const byState = (count: (state: State) => number): Record<State, number> => ({
  due: count("due"),
  scheduled: count("scheduled"),
  running: count("running"),
  retrying: count("retrying"),
  dead: count("dead"),
});

function oldest(types: TypeFigures[]): number | null {
  const ages = types.flatMap(({ oldest_due_seconds }) => oldest_due_seconds ?? []);
  return ages.length > 0 ? Math.max(...ages) : null;
}

/** Rows in `task`, as Postgres guessed when it last looked. */
async function estimate(sql: Sql): Promise<number | undefined> {
  const [table] = await sql<{ rows: number }[]>`
    select reltuples::float8 as rows from pg_class where oid = 'task'::regclass
  `;
  return table && table.rows > 0 ? table.rows : undefined;
}
