import { equalJitter } from "./task.ts";

const longestPauseSeconds = 30;

type State = {
  failures: number;
  openUntil: number;
  /** How many tasks may run to see whether the service is back. */
  probes: number;
  error: string;
};

export type Breakers = ReturnType<typeof createBreakers>;

/**
 * One circuit breaker per task type. Open while the service is down. Then half open: one task is let through, and with each
 * answer that is not "service down" twice as many. A success closes it.
 */
export function createBreakers(now = () => performance.now()) {
  const states = new Map<string, State>();

  return {
    /** How many more tasks of the type may start, while so many are running. */
    room(type: string, running: number): number {
      const state = states.get(type);
      if (!state) return Infinity;
      return now() < state.openUntil ? 0 : Math.max(0, state.probes - running);
    },

    /** The service is down. Returns the pause in seconds, or undefined when the breaker was open already. */
    open(type: string, error = ""): number | undefined {
      const { failures, openUntil } = states.get(type) ?? { failures: 0, openUntil: 0 };
      // Tasks that were running together fail together: that is one failure.
      if (now() < openUntil) return undefined;
      const pauseSeconds = equalJitter(Math.min(2 ** (failures + 1), longestPauseSeconds));
      states.set(type, { failures: failures + 1, openUntil: now() + pauseSeconds * 1000, probes: 1, error });
      return pauseSeconds;
    },

    /** The service has answered, though not well. Returns whether the breaker is half open, and lets more through. */
    widen(type: string): boolean {
      const state = states.get(type);
      // An answer to what was running when it opened says nothing of now.
      if (!state || now() < state.openUntil) return false;
      state.probes *= 2;
      return true;
    },

    /** The service is back. Returns whether the breaker was open until now. */
    close: (type: string): boolean => states.delete(type),

    /** Those that have opened and not closed since, with the error, and until when (by performance.now) they are open. */
    list: () => [...states].map(([task_type, { error, openUntil }]) => ({ task_type, error, openUntil })),
  };
}
