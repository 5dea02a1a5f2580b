import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { repeat } from "../repeat.ts";
import { consume, defaultBatch, findBehind, noteSeen, type Consumer } from "./consume.ts";

type Options = {
  sql: Sql;
  log: Log;
  consumers: Consumer[];
  /** Events were consumed: they may have enqueued tasks. */
  onConsumed: () => void;
};

export type Subscribers = {
  /** An event was committed, or may have been. */
  wake(): void;
  /** Resolves when no consumer is at work any more, after 3 s at most. */
  stop(): Promise<void>;
};

const leastMilliseconds = 1000;
const mostMilliseconds = 5000;
const stopMilliseconds = 3000;

/** Lets the consumers read the feed: within a second or so of a notification, and every five seconds without one. */
export function startSubscribers({ sql, log, consumers, onConsumed }: Options): Subscribers {
  const stopping = new AbortController();
  const { signal } = stopping;
  let wakeUp = Promise.withResolvers<void>();
  let isDue = false;

  /** Returns whether there may be more. */
  async function takeBatch(consumer: Consumer): Promise<boolean> {
    try {
      const count = await consume(sql, consumer);
      if (count > 0) onConsumed();
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
    wakeUp = Promise.withResolvers();
    const timer = setTimeout(wake, mostMilliseconds - leastMilliseconds);
    await wakeUp.promise;
    clearTimeout(timer);
  }

  function wake(): void {
    isDue = true;
    wakeUp.resolve();
  }

  /** One look, and what it finds; then a wait. */
  async function round(): Promise<void> {
    isDue = false;
    let behind = await findBehind(sql, consumers);
    // One batch each in turn: none waits until another one has caught up.
    while (behind.length > 0 && !signal.aborted) {
      const more: Consumer[] = [];
      for (const consumer of behind) if (await takeBatch(consumer)) more.push(consumer);
      behind = more;
    }
    await rest();
  }

  const reading = consumers.length > 0 ? repeat(round, 0, { signal, log }) : Promise.resolve();
  return {
    wake,
    async stop() {
      stopping.abort();
      wake();
      await Promise.race([reading, delay(stopMilliseconds, undefined, { ref: false })]);
    },
  };
}
