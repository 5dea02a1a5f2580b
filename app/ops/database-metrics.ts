import { Counter, Gauge, Registry } from "prom-client";
import type { Sql } from "../db/connect.ts";
import { projectName } from "../env.ts";
import { mostCounted, states } from "./count-tasks.ts";
import { readLags } from "./feed-lag.ts";
import type { OperatorPages } from "./operator-pages.ts";
import { readOverview, type Overview } from "./read-overview.ts";

/** Metrics of all processes and modules, read from the database. Every web process returns the same. */
export async function databaseMetrics(sql: Sql, added: OperatorPages[]): Promise<Registry> {
  const [overview, attempts, connections, lags] = await Promise.all([
    readOverview(sql),
    sumAttempts(sql),
    listConnections(sql),
    readLags(sql),
  ]);
  const registry = new Registry();
  addTasks(registry, overview);
  addWorkers(registry, overview);
  addAttempts(registry, attempts);

  const pool = gauge(registry, "connections", "Connections to the database.", ["application", "state"]);
  for (const { application, state, connections: count } of connections) pool.set({ application, state }, count);

  const events = gauge(registry, "consumer_lag_events", "Events that a consumer has not read, counted up to 10,000.", [
    "consumer",
  ]);
  const seconds = gauge(registry, "consumer_lag_seconds", "Age of the oldest of them.", ["consumer"]);
  for (const lag of lags) {
    events.set({ consumer: lag.name }, lag.events);
    seconds.set({ consumer: lag.name }, lag.seconds);
  }
  await Promise.all(added.map((pages) => pages.addMetrics(registry, sql)));
  return registry;
}

function addTasks(registry: Registry, { types, oldestDueSeconds }: Overview): void {
  const help = `Tasks. Each type and priority is counted up to ${mostCounted}; retrying ones are also due or scheduled.`;
  const tasks = gauge(registry, "tasks", help, ["task_type", "state"]);
  const oldest = gauge(registry, "oldest_due_task_age_seconds", "How long the oldest due task has waited.", [
    "task_type",
  ]);
  const unknown = gauge(registry, "unknown_task_type", "1 if no live worker has a handler for the type.", [
    "task_type",
  ]);
  for (const type of types) {
    const { task_type } = type;
    for (const state of states) tasks.set({ task_type, state }, type[state]);
    oldest.set({ task_type }, type.oldest_due_seconds ?? 0);
    unknown.set({ task_type }, type.is_unknown ? 1 : 0);
  }
  const late = gauge(registry, "lateness_seconds", "How long the oldest due task of a known type has waited.", []);
  late.set(oldestDueSeconds ?? 0);
}

function addWorkers(registry: Registry, { workers }: Overview): void {
  const labels = ["host", "pid"];
  const seen = gauge(registry, "worker_heartbeat_age_seconds", "Age of a worker's last heartbeat.", labels);
  const delay = gauge(
    registry,
    "worker_event_loop_delay_seconds",
    "Longest event-loop delay between the last two heartbeats.",
    labels,
  );
  const running = gauge(registry, "worker_running_tasks", "Tasks that a worker runs.", [...labels, "task_type"]);
  const open = gauge(registry, "breaker_open", "1 if a worker pauses the type.", [...labels, "task_type"]);
  for (const worker of workers) {
    const { host, pid } = worker;
    seen.set({ host, pid }, worker.seen_seconds_ago);
    if (worker.event_loop_delay_milliseconds !== null)
      delay.set({ host, pid }, worker.event_loop_delay_milliseconds / 1000);
    for (const [task_type, tasks] of Object.entries(worker.running)) running.set({ host, pid, task_type }, tasks);
    for (const { task_type } of worker.breakers) open.set({ host, pid, task_type }, 1);
  }
}

/** A histogram as its three series: prom-client's own takes one value at a time. */
function addAttempts(registry: Registry, attempts: Awaited<ReturnType<typeof sumAttempts>>): void {
  const labels = ["task_type", "outcome"];
  const name = "attempt_duration_seconds";
  const bucket = counter(registry, `${name}_bucket`, "Attempts that took at most le seconds.", [...labels, "le"]);
  const sum = counter(registry, `${name}_sum`, "Seconds that all attempts took together.", labels);
  const total = counter(registry, `${name}_count`, "Attempts.", labels);
  for (const { task_type, outcome, le, attempts: count, seconds } of attempts) {
    bucket.inc({ task_type, outcome, le }, count);
    if (le !== "+Inf") continue;
    sum.inc({ task_type, outcome }, seconds);
    total.inc({ task_type, outcome }, count);
  }
}

/** A metric's name in Prometheus: its names have no hyphens. */
export const metricName = (name: string): string => `${projectName.replaceAll("-", "_")}_${name}`;

/** @public Modules use it. */
export const gauge = (registry: Registry, name: string, help: string, labelNames: string[]) =>
  new Gauge({ name: metricName(name), help, labelNames, registers: [registry] });

const counter = (registry: Registry, name: string, help: string, labelNames: string[]) =>
  new Counter({ name: metricName(name), help, labelNames, registers: [registry] });

/** All attempts that took at most `le` seconds, and the seconds that they took together. */
type Bucket = { task_type: string; outcome: string; le: string; attempts: number; seconds: number };

/** The bounds are the buckets that workers have written. */
function sumAttempts(sql: Sql) {
  return sql<Bucket[]>`
    with bound as (
      select up_to_seconds as le
      from attempt_statistics
      where minute = '-infinity'
      union
      select 'infinity'
    )
    select
      task_type, case when is_failure then 'failed' else 'done' end as outcome,
      case when bound.le = 'infinity' then '+Inf' else bound.le::text end as le,
      coalesce(sum(attempts) filter (where up_to_seconds <= bound.le), 0)::float8 as attempts, sum(seconds) as seconds
    from attempt_statistics
    cross join bound
    where minute = '-infinity'
    group by task_type, is_failure, bound.le
    order by task_type, outcome, bound.le
  `;
}

/** The processes' connections to the database, by pool and state. */
function listConnections(sql: Sql) {
  return sql<{ application: string; state: string; connections: number }[]>`
    select application_name as application, coalesce(state, 'unknown') as state, count(*)::int as connections
    from pg_stat_activity
    where datname = current_database() and application_name like ${projectName + " %"}
    group by application_name, state
    order by application_name, state
  `;
}
