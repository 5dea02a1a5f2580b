import type { Sql } from "../../app/db.ts";
import type { Breakers } from "./breaker.ts";
import type { Session } from "./session.ts";
import type { Tally } from "./statistics.ts";

type Options = { sql: Sql; session: Session; breakers: Breakers; tally: Tally };

/** Tells the database what operators see of this worker, when there is something new. */
export function createReport({ sql, session, breakers, tally }: Options) {
  let told = "";

  return async (): Promise<void> => {
    await tally.tell(sql);
    const { workerId } = session;
    const open = breakers.list();
    // With the session: what was told under another one went with it.
    const news = open.length > 0 ? JSON.stringify([workerId, open]) : "";
    if (!workerId || news === told) return;
    await tellBreakers(sql, workerId, open);
    told = news;
  };
}

function tellBreakers(sql: Sql, workerId: string, open: ReturnType<Breakers["list"]>) {
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
