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
  wakeUp: WakeUp;
  signal: AbortSignal;
};

const pollMilliseconds = 950;
const longestQuietMilliseconds = 500;
const checkAgainMilliseconds = 60_000;
const retryMilliseconds = 5000;

/** Claims tasks for the free slots, round after round, and waits in between until there may be something to claim. */
export function createPoller({ sql, session, claims, runner, wakeUp, signal }: Options) {
  const { lanes } = claims;
  let pollAt = -Infinity;
  /** When to look for tasks of a claim whose answer was lost. */
  let checkAt = Infinity;

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

  /** A lost answer leaves tasks claimed that this worker does not know of. Once more after a minute: packets may be slow. */
  async function releaseLost(workerId: string): Promise<void> {
    if (performance.now() < checkAt) return;
    const isFirst = checkAt === 0;
    // If this fails, claims go on, and it is tried again later.
    checkAt = performance.now() + retryMilliseconds;
    await waitForClaims(sql, workerId);
    await releaseUnknown(sql, workerId, runner.held);
    checkAt = isFirst ? performance.now() + checkAgainMilliseconds : Infinity;
    lanes.expectOld();
    pollAt = -Infinity;
  }

  /** Claims from the known lanes; searches for lanes when that is asked for and due. Returns whether to go on at once. */
  async function work(workerId: string): Promise<boolean> {
    const isNotified = wakeUp.takeNotification();
    const isPoll = performance.now() >= pollAt;
    if (isNotified || isPoll) lanes.expectMore({ isNotified });

    const hasTasks = (await claim(workerId)) > 0;
    const hasFound = await lanes.find();
    // The jitter keeps many workers apart.
    if (hasTasks || isPoll) pollAt = performance.now() + pollMilliseconds * (0.9 + Math.random() / 10);
    if (hasTasks || (isNotified && !hasFound)) wakeUp.answered(hasTasks);
    return hasTasks || hasFound;
  }

  return {
    /** Whether this worker knows of all tasks that it has claimed. */
    get knowsAll(): boolean {
      return checkAt === Infinity;
    },

    /** One round: a claim, or a wait. */
    async round(): Promise<void> {
      // A notification from here on is not missed, and one that finds no free slot is kept for the next free one.
      wakeUp.begin();
      const { workerId } = session;
      const mayClaim = workerId !== undefined && runner.free > 0;
      if (mayClaim) {
        await releaseLost(workerId);
        if (await work(workerId)) return;
      }
      await wakeUp.wait(mayClaim ? Math.min(pollAt - performance.now(), lanes.pause) : pollMilliseconds);
    },
  };
}

type WakeUp = ReturnType<typeof createWakeUp>;

/** What ends the poller's wait: a notification, a free slot, or the signal. */
export function createWakeUp(signal: AbortSignal) {
  let woken = Promise.withResolvers<void>();
  let isNotified = true;
  /** Notifications in a row that brought no task. */
  let fruitless = 0;
  let quietUntil = -Infinity;
  let quietTimer: NodeJS.Timeout | undefined;
  const wake = () => woken.resolve();
  signal.addEventListener("abort", wake);

  return {
    /** A slot is free. */
    wake,

    /** A task was committed, or may have been. */
    notify(): void {
      isNotified = true;
      const quiet = quietUntil - performance.now();
      if (quiet <= 0) return wake();
      quietTimer ??= setTimeout(() => {
        quietTimer = undefined;
        wake();
      }, quiet).unref();
    },

    begin(): void {
      woken = Promise.withResolvers();
    },

    /** Whether there was a notification since the last call. */
    takeNotification(): boolean {
      const was = isNotified;
      isNotified = false;
      return was;
    },

    /** Makes the answers to many notifications without a task rarer. The first three, and those after a calm second, cost no time. */
    answered(hasTasks: boolean): void {
      const now = performance.now();
      if (hasTasks || now - quietUntil > 2 * longestQuietMilliseconds) fruitless = 0;
      if (!hasTasks) fruitless += 1;
      quietUntil = now + (fruitless <= 3 ? 0 : Math.min(2 ** fruitless, longestQuietMilliseconds));
    },

    async wait(milliseconds: number): Promise<void> {
      if (signal.aborted) return;
      const timer = setTimeout(wake, Math.max(0, milliseconds));
      await woken.promise;
      clearTimeout(timer);
    },
  };
}
