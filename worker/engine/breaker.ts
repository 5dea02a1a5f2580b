import { equalJitter } from "../task.ts";

const longestPauseSeconds = 30;

type State = { failures: number; openUntil: number; error: string };

export type Breakers = {
  /** How many more tasks of the type may be claimed by a worker that holds so many. */
  room: (type: string, held: number) => number;
  /** Returns the pause in seconds, or undefined when the breaker was open already. */
  open: (type: string, error?: string) => number | undefined;
  /** The outside has answered. Returns whether the breaker was open until now. */
  close: (type: string) => boolean;
  /** Those that have opened and not closed since: of which type, after which error, and until when (by performance.now). */
  list: () => { task_type: string; error: string; openUntil: number }[];
};

/** One switch per task type: open while the outside is down, then one task at a time is let through to see. */
export function createBreakers(now = () => performance.now()): Breakers {
  const states = new Map<string, State>();

  return {
    room(type: string, held: number): number {
      const state = states.get(type);
      if (!state) return Infinity;
      return now() < state.openUntil || held > 0 ? 0 : 1;
    },

    open(type: string, error = ""): number | undefined {
      const { failures, openUntil } = states.get(type) ?? { failures: 0, openUntil: 0 };
      // Those that were in hand together fail together: that is one failure.
      if (now() < openUntil) return undefined;
      const pauseSeconds = equalJitter(Math.min(2 ** (failures + 1), longestPauseSeconds));
      states.set(type, { failures: failures + 1, openUntil: now() + pauseSeconds * 1000, error });
      return pauseSeconds;
    },

    close: (type: string): boolean => states.delete(type),

    list: () => [...states].map(([task_type, { error, openUntil }]) => ({ task_type, error, openUntil })),
  };
}
