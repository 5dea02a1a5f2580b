import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
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

/** Six times V8's initial size: a batch of tasks fits in and dies there. */
const youngBytes = 12 * 2 ** 20;

/**
 * Keeps the process below 150 MB. Under load, V8 would grow its young generation to 100 MB, for garbage that dies at once. Only
 * the command line can set its size, so we let it grow once, by holding objects for a moment, and never again. Call it first: V8
 * does not shrink it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=20");
  setFlagsFromString("--semi-space-growth-factor=8");
  const held: object[] = [];
  while (youngGeneration() < youngBytes && held.length < 500_000) {
    for (let count = 0; count < 5000; count += 1) held.push({ count });
  }
  setFlagsFromString("--semi-space-growth-factor=1");
}

const youngGeneration = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? youngBytes;
