import type { Sql } from "../../app/db/connect.ts";
import type { Claims } from "./claim.ts";
import { releaseUnknown, waitForClaims } from "./reclaim.ts";
import type { Runner } from "./runner.ts";
import type { Session } from "./session.ts";

type Options = {
  sql: Sql;
  session: Session;
  claims: Claims;
  runner: Runner;
  signal: AbortSignal;
};

const pollMilliseconds = 950;
const longestQuietMilliseconds = 500;
const checkAgainMilliseconds = 60_000;
const retryMilliseconds = 5000;

/** Claims tasks for the free slots, round after round, and waits in between until there may be something to claim. */
export function createPoller({ sql, session, claims, runner, signal }: Options) {
  const { lanes } = claims;
  let wakeUp = Promise.withResolvers<void>();
  let isNotified = true;
  let isPolled = false;
  /** Notifications in a row that brought no task. */
  let fruitless = 0;
  let quietUntil = -Infinity;
  let quietTimer: NodeJS.Timeout | undefined;
  /** Whether, and when, to look for tasks of a claim whose answer was lost. */
  let checkAt = Infinity;

  /** A lost answer leaves tasks claimed of which this worker has not heard. Once more after a minute: packets may be slow. */
  async function releaseLost(workerId: string): Promise<void> {
    if (performance.now() < checkAt) return;
    const isFirst = checkAt === 0;
    // If this fails, claims go on, and it is tried again later.
    checkAt = performance.now() + retryMilliseconds;
    await waitForClaims(sql, workerId);
    await releaseUnknown(sql, workerId, runner.held);
    lanes.expectOld();
    checkAt = isFirst ? performance.now() + checkAgainMilliseconds : Infinity;
    isPolled = true;
  }

  async function claim(workerId: string): Promise<number> {
    const lostAt = checkAt;
    checkAt = 0;
    const claimed = await claims.next(workerId, runner.running, runner.free);
    checkAt = lostAt;
    const tasks = claimed.map((task) => Object.assign(task, { worker_id: workerId }));
    if (!signal.aborted && workerId === session.workerId) void runner.start(tasks);
    else runner.release(tasks);
    return tasks.length;
  }

  /** Claims from the known lanes; finds lanes when that is asked for and due. Returns whether to go on at once. */
  async function work(workerId: string): Promise<boolean> {
    const wasNotified = isNotified;
    if (isNotified || isPolled) lanes.expectMore({ isNotified });
    isNotified = isPolled = false;

    const count = await claim(workerId);
    const hasFound = await lanes.find();
    if (count > 0) fruitless = 0;
    else if (wasNotified && !hasFound) rest();
    return count > 0 || hasFound;
  }

  /** Many notifications without a task for this worker cost the database little, and the first ones nothing in time. */
  function rest(): void {
    const now = performance.now();
    if (now - quietUntil > 2 * longestQuietMilliseconds) fruitless = 0;
    fruitless += 1;
    quietUntil = now + (fruitless <= 3 ? 0 : Math.min(2 ** fruitless, longestQuietMilliseconds));
  }

  async function wait(isFree: boolean): Promise<void> {
    // The jitter keeps many workers apart.
    const poll = pollMilliseconds * (0.9 + Math.random() / 10);
    const timer = setTimeout(
      () => {
        isPolled = true;
        wakeUp.resolve();
      },
      Math.min(poll, isFree ? lanes.pause : Infinity),
    );
    await wakeUp.promise;
    clearTimeout(timer);
  }

  return {
    /** Whether this worker knows of all tasks that it has claimed. */
    get knowsAll(): boolean {
      return checkAt === Infinity;
    },

    /** A task was committed, or may have been. */
    wake(): void {
      isNotified = true;
      const quiet = quietUntil - performance.now();
      if (quiet <= 0 || signal.aborted) return wakeUp.resolve();
      quietTimer ??= setTimeout(() => {
        quietTimer = undefined;
        wakeUp.resolve();
      }, quiet).unref();
    },

    /** A slot is free. */
    slotIsFree(): void {
      if (lanes.open.length > 0 || isNotified) wakeUp.resolve();
    },

    /** One round: a claim, or a wait. */
    async round(): Promise<void> {
      // A notification from here on is not missed, and one that finds no free slot is kept for the next free one.
      wakeUp = Promise.withResolvers();
      const { workerId } = session;
      const isFree = runner.free > 0;
      if (workerId && isFree) {
        await releaseLost(workerId);
        if (await work(workerId)) return;
      }
      if (!signal.aborted) await wait(workerId !== undefined && isFree);
    },
  };
}
