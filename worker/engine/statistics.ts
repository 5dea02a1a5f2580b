import type { Sql } from "../../app/db/connect.ts";
import type { Breakers } from "./breaker.ts";
import type { Outcome } from "./run-attempt.ts";

/** Attempts of a type, done or failed, that took at most so long, and longer than the next lower bound. */
type Count = { task_type: string; is_failure: boolean; up_to_seconds: number; attempts: number; seconds: number };

const bounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, Infinity];
const untried = new Set<Outcome["kind"]>(["refused", "snooze", "released"]);

/** What a worker tells of itself: how its attempts went, and which breakers are open. */
export function createStatistics(sql: Sql, breakers: Breakers) {
  const counts = new Map<string, Count>();
  let reported = "";

  function add({ task_type, is_failure, up_to_seconds, attempts, seconds }: Count): void {
    const key = `${task_type} ${is_failure} ${up_to_seconds}`;
    const count = counts.get(key) ?? { task_type, is_failure, up_to_seconds, attempts: 0, seconds: 0 };
    counts.set(key, { ...count, attempts: count.attempts + attempts, seconds: count.seconds + seconds });
  }

  async function reportAttempts(): Promise<void> {
    const unreported = [...counts.values()];
    if (unreported.length === 0) return;
    counts.clear();
    try {
      await addAttempts(sql, unreported);
    } catch (error) {
      unreported.forEach(add);
      throw error;
    }
  }

  async function reportBreakers(workerId: string): Promise<void> {
    const open = breakers.list();
    // With the session: what was reported under another one went with it.
    const state = open.length > 0 ? JSON.stringify([workerId, open]) : "";
    if (state === reported) return;
    await replaceBreakers(sql, workerId, open);
    reported = state;
  }

  return {
    /** Counts an attempt. */
    note(task_type: string, outcome: Outcome, seconds: number): void {
      if (untried.has(outcome.kind)) return;
      const is_failure = outcome.kind !== "done" && outcome.kind !== "recorded";
      add({ task_type, is_failure, up_to_seconds: bounds.find((bound) => seconds <= bound)!, attempts: 1, seconds });
    },

    /** Writes what is new since the last call. Breakers are reported under a session only. */
    async report(workerId: string | undefined): Promise<void> {
      await reportAttempts();
      if (workerId) await reportBreakers(workerId);
    },
  };
}

function addAttempts(sql: Sql, counts: Count[]) {
  return sql`
    insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
    select minute, task_type, is_failure = 1, up_to_seconds, attempts, seconds
    from unnest(
      ${counts.map(({ task_type }) => task_type)}::text[],
      ${counts.map(({ is_failure }) => Number(is_failure))}::smallint[],
      ${counts.map(({ up_to_seconds }) => up_to_seconds)}::real[],
      ${counts.map(({ attempts }) => attempts)}::bigint[],
      ${counts.map(({ seconds }) => seconds)}::float8[]
    ) as count (task_type, is_failure, up_to_seconds, attempts, seconds)
    cross join unnest(array[date_trunc('minute', now()), '-infinity']) as minute
    -- All workers write in the same order, so no two wait for each other.
    order by minute, task_type, is_failure, up_to_seconds
    on conflict (minute, task_type, is_failure, up_to_seconds) do update
    set attempts = attempt_statistics.attempts + excluded.attempts, seconds = attempt_statistics.seconds + excluded.seconds
  `;
}

function replaceBreakers(sql: Sql, workerId: string, open: ReturnType<Breakers["list"]>) {
  const types = open.map(({ task_type }) => task_type);
  return sql`
    with closed as (
      delete from breaker
      where worker_id = ${workerId} and task_type <> all(${types})
    )
    insert into breaker (worker_id, task_type, open_until, error)
    select worker_id, task_type, now() + make_interval(secs => seconds), error
    from unnest(
      ${types}::text[],
      ${open.map(({ error }) => error)}::text[],
      ${open.map(({ openUntil }) => (openUntil - performance.now()) / 1000)}::float8[]
    ) as open (task_type, error, seconds)
    cross join worker
    where worker_id = ${workerId}
    on conflict (worker_id, task_type) do update set open_until = excluded.open_until, error = excluded.error
  `;
}
