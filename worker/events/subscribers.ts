import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db.ts";
import type { Log } from "../../app/log.ts";
import { consume, defaultBatch, findBehind, noteSeen, type Consumer } from "./consume.ts";

type Options = {
  sql: Sql;
  log: Log;
  consumers: Consumer[];
  /** Events were taken: tasks may be owed for them. */
  onTaken: () => void;
  signal: AbortSignal;
};

const leastMilliseconds = 1000;
const mostMilliseconds = 5000;

/** Lets the consumers of the feed follow it: within a second or so of a hint, and every five seconds without one. */
export function createFollow({ sql, log, consumers, onTaken, signal }: Options) {
  let bell = Promise.withResolvers<void>();
  let isDue = false;

  /** Returns whether there may be more. */
  async function takeBatch(consumer: Consumer): Promise<boolean> {
    try {
      const count = await consume(sql, consumer);
      if (count > 0) onTaken();
      return count === (consumer.batch ?? defaultBatch);
    } catch (error) {
      // It is tried again next time, and must not keep the others from the feed.
      log.error({ err: error, consumer: consumer.name }, "the consumer did not take its events");
      await noteSeen(sql, consumer);
      return false;
    }
  }

  async function rest(): Promise<void> {
    await delay(leastMilliseconds, undefined, { signal }).catch(() => {});
    if (isDue || signal.aborted) return;
    bell = Promise.withResolvers();
    const timer = setTimeout(wake, mostMilliseconds - leastMilliseconds);
    await bell.promise;
    clearTimeout(timer);
  }

  function wake(): void {
    isDue = true;
    bell.resolve();
  }

  return {
    /** Somebody has appended an event, or may have. */
    wake,

    /** One look, and what it finds; then a wait. */
    async round(): Promise<void> {
      isDue = false;
      let behind = await findBehind(sql, consumers);
      // One batch each in turn: none waits until another one has caught up.
      while (behind.length > 0 && !signal.aborted) {
        const more: Consumer[] = [];
        for (const consumer of behind) if (await takeBatch(consumer)) more.push(consumer);
        behind = more;
      }
      await rest();
    },
  };
}
