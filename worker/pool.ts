/**
 * How a worker divides its connections: one for heartbeats, one to listen for notifications, one or two for the engine's own
 * statements, the rest for handlers. With few, it goes without notifications first.
 */
export function splitPool(
  connections: number,
  isIsolated = false,
): { engine: number; tasks: number; listens: boolean } {
  const listens = connections >= 5 && !isIsolated;
  const rest = connections - 1 - Number(listens);
  const engine = rest >= 5 && !isIsolated ? 2 : 1;
  return { engine, tasks: rest - engine, listens };
}
