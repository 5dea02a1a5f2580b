import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { repeat } from "../engine/repeat.ts";
import { consume, defaultBatch, findBehind, noteSeen, type Consumer } from "./consume.ts";

type Options = {
  sql: Sql;
  log: Log;
  consumers: Consumer[];
  /** Events were consumed: they may have enqueued tasks. */
  onConsumed: () => void;
  /** Between two reads. */
  leastMilliseconds?: number;
  /** Between two reads without a notification. */
  mostMilliseconds?: number;
};

export type Subscribers = {
  /** An event may have been committed. */
  wake(): void;
  /** Resolves when no consumer runs any more, after 3 s at most. */
  stop(): Promise<void>;
};

const stopMilliseconds = 3000;

/** The subscriber loop: consumers read the feed about a second after a notification, and every five seconds anyway. */
export function startSubscribers({
  sql,
  log,
  consumers,
  onConsumed,
  leastMilliseconds = 1000,
  mostMilliseconds = 5000,
}: Options): Subscribers {
  const stopping = new AbortController();
  const { signal } = stopping;
  let wakeUp = Promise.withResolvers<void>();
  let isDue = false;

  async function round(): Promise<void> {
    isDue = false;
    let behind = await findBehind(sql, consumers);
    // Each gets one batch in turn: no consumer waits until another has caught up.
    while (behind.length > 0 && !signal.aborted) {
      const more: Consumer[] = [];
      for (const consumer of behind) if (await consumeBatch(consumer)) more.push(consumer);
      behind = more;
    }
    await waitForNext();
  }

  /** Returns whether there may be more. */
  async function consumeBatch(consumer: Consumer): Promise<boolean> {
    try {
      const count = await consume(sql, consumer);
      if (count > 0) onConsumed();
      return count === (consumer.batch ?? defaultBatch);
    } catch (error) {
      // A failing consumer must not stop the others.
      log.error({ err: error, consumer: consumer.name }, "consumer failed; trying again");
      await noteSeen(sql, consumer);
      return false;
    }
  }

  async function waitForNext(): Promise<void> {
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

  const loop = consumers.length > 0 ? repeat(round, 0, { signal, log }) : Promise.resolve();
  return {
    wake,
    async stop() {
      stopping.abort();
      wake();
      await Promise.race([loop, delay(stopMilliseconds, undefined, { ref: false })]);
    },
  };
}
