import type { Sql } from "../../app/db.ts";
import type { Claims } from "./scheduler.ts";
import type { Hands } from "./runner.ts";
import type { Persist } from "./repeat.ts";
import type { Session } from "./session.ts";
import { release, releaseUnheard } from "./release.ts";
import { isSuspect, type Task } from "../task.ts";

type Options = {
  sql: Sql;
  session: Session;
  claims: Claims;
  hands: Hands;
  /** Repeats a statement while the database is away. */
  persist: Persist;
  /** Tasks in hand at once. */
  concurrency: number;
  signal: AbortSignal;
};

const pollMilliseconds = 950;
const stockMilliseconds = 60_000;

/** Claims tasks for the hands that are free, round after round, and waits in between until there may be something to claim. */
export function createSweep({ sql, session, claims, hands, persist, concurrency, signal }: Options) {
  let bell = Promise.withResolvers<void>();
  let isDue = true;
  let isUnheard = false;
  let nextStock = performance.now() + stockMilliseconds;

  // A connection that is lost after a claim leaves tasks with us that we have not heard of; now and then too, for a claim
  // that commits only after we have asked.
  async function takeStock(workerId: string): Promise<void> {
    if (!isUnheard && performance.now() < nextStock) return;
    await releaseUnheard(sql, workerId, hands.known);
    nextStock = performance.now() + stockMilliseconds;
  }

  async function claim(workerId: string): Promise<number> {
    const look = isDue;
    isDue = false;
    isUnheard = true;
    const claimed = await claims.next(workerId, hands.held, look);
    isUnheard = false;
    const tasks = claimed.map((task) => Object.assign(task, { worker_id: workerId }));
    if (!signal.aborted && workerId === session.workerId) void hands.take(tasks);
    else if (tasks.length > 0) await persist(() => release(sql, tasks));
    return tasks.length;
  }

  async function listen(longestPause: number): Promise<void> {
    // The hint is a courtesy, the poll is the truth; the jitter keeps many workers apart.
    const poll = pollMilliseconds * (0.9 + Math.random() / 10);
    const timer = setTimeout(wake, Math.min(poll, longestPause));
    await bell.promise;
    clearTimeout(timer);
  }

  function wake(): void {
    isDue = true;
    bell.resolve();
  }

  return {
    /** Somebody has committed a task, or may have. */
    wake,

    /** A hand has come free. */
    handIsFree(task: Task): void {
      // Everybody has waited for the end of one that ran alone.
      if (isSuspect(task)) wake();
      else if (claims.hasMore || isDue) bell.resolve();
    },

    /** One round: a claim, or a wait. */
    async round(): Promise<void> {
      // What rings from here on is not missed, and a hint that finds all hands full is kept for the next free one.
      bell = Promise.withResolvers();
      const { workerId } = session;
      const isFree = hands.count < concurrency && !hands.isAlone;
      if (workerId && isFree) {
        await takeStock(workerId);
        if ((await claim(workerId)) > 0) return;
      }
      if (!signal.aborted) await listen(workerId && isFree ? claims.pause : Infinity);
    },
  };
}
