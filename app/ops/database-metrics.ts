import { Counter, Gauge, Registry } from "prom-client";
import type { Sql } from "../db/connect.ts";
import { readLags } from "../events/feed-lag.ts";
import { mostCounted, states } from "./count-tasks.ts";
import { readOverview, type Overview } from "./overview.ts";
import { listConnections, sumAttempts } from "./sums.ts";

/** What the database knows, as of now: of all processes, whichever web process is asked. */
export async function databaseMetrics(sql: Sql): Promise<Registry> {
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

  const events = gauge(registry, "consumer_lag_events", "Events that a consumer has not read, up to 10,000.", [
    "consumer",
  ]);
  const seconds = gauge(registry, "consumer_lag_seconds", "Age of the oldest of them.", ["consumer"]);
  for (const lag of lags) {
    events.set({ consumer: lag.name }, lag.events);
    seconds.set({ consumer: lag.name }, lag.seconds);
  }
  return registry;
}

function addTasks(registry: Registry, { types, oldestDueSeconds }: Overview): void {
  const help = `Tasks. Each type and priority is counted up to ${mostCounted}; retrying ones are also due or scheduled.`;
  const tasks = gauge(registry, "tasks", help, ["task_type", "state"]);
  const oldest = gauge(registry, "oldest_due_task_age_seconds", "How long the oldest due task has waited.", [
    "task_type",
  ]);
  const unknown = gauge(registry, "unknown_task_type", "Whether no live worker has a handler for it.", ["task_type"]);
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
  const seen = gauge(registry, "worker_heartbeat_age_seconds", "Since a worker's last heartbeat.", labels);
  const turn = gauge(registry, "worker_loop_turn_seconds", "The longest turn of a worker's event loop lately.", labels);
  const running = gauge(registry, "worker_running_tasks", "Tasks that a worker runs.", [...labels, "task_type"]);
  const open = gauge(registry, "breaker_open", "Whether a worker leaves a type alone for a while.", [
    ...labels,
    "task_type",
  ]);
  for (const worker of workers) {
    const { host, pid } = worker;
    seen.set({ host, pid }, worker.seen_seconds_ago);
    if (worker.event_loop_delay_milliseconds !== null)
      turn.set({ host, pid }, worker.event_loop_delay_milliseconds / 1000);
    for (const [task_type, tasks] of Object.entries(worker.running)) running.set({ host, pid, task_type }, tasks);
    for (const { task_type } of worker.breakers) open.set({ host, pid, task_type }, 1);
  }
}

/** A histogram by its three series: prom-client's own can only be fed one by one. */
function addAttempts(registry: Registry, attempts: Awaited<ReturnType<typeof sumAttempts>>): void {
  const labels = ["task_type", "outcome"];
  const name = "attempt_duration_seconds";
  const bucket = counter(registry, `${name}_bucket`, "Attempts that took at most so long.", [...labels, "le"]);
  const sum = counter(registry, `${name}_sum`, "Seconds that attempts took.", labels);
  const total = counter(registry, `${name}_count`, "Attempts.", labels);
  for (const { task_type, outcome, le, attempts: count, seconds } of attempts) {
    bucket.inc({ task_type, outcome, le }, count);
    if (le !== "+Inf") continue;
    sum.inc({ task_type, outcome }, seconds);
    total.inc({ task_type, outcome }, count);
  }
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[]) =>
  new Gauge({ name: `slim_signup_${name}`, help, labelNames, registers: [registry] });

const counter = (registry: Registry, name: string, help: string, labelNames: string[]) =>
  new Counter({ name: `slim_signup_${name}`, help, labelNames, registers: [registry] });
