import { monitorEventLoopDelay } from "node:perf_hooks";

const resolution = 20;

/** Returns a function that tells the milliseconds of the longest turn of the event loop since it was last asked. */
export function measureTurns(): () => number {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  return () => {
    // What Node measures is the time between two looks, which it takes every 20 ms.
    const longest = Math.max(0, delays.max / 1e6 - resolution);
    delays.reset();
    return longest;
  };
}
