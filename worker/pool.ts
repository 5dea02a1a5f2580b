import { connect } from "../app/db/connect.ts";
import type { WorkerEnv } from "../app/env.ts";

/** The pools of a worker process; `listens` says whether a connection is left to listen for notifications. */
export function connectPools(env: WorkerEnv, isIsolated = false) {
  const { engine, tasks, listens } = splitPool(env.DATABASE_POOL, isIsolated);
  return {
    sql: connect({ ...env, DATABASE_POOL: engine }, "worker engine", 20),
    // Longer than any statement of a handler may take.
    taskSql: connect({ ...env, DATABASE_POOL: tasks }, "worker tasks", 35),
    heartbeatSql: connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat", 10),
    listens,
  };
}

/**
 * Divides the connections of a worker: one for heartbeats, one to listen for notifications, one or two for the
 * engine's own statements, the rest for handlers. With fewer than five, or isolated, it polls and does not listen.
 */
export function splitPool(connections: number, isIsolated: boolean) {
  const listens = connections >= 5 && !isIsolated;
  const rest = connections - 1 - Number(listens);
  const engine = rest >= 5 && !isIsolated ? 2 : 1;
  return { engine, tasks: rest - engine, listens };
}
