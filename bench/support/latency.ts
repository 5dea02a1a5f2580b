import { z } from "zod";
import type { Child } from "./child.ts";
import { now } from "./clock.ts";

/** Notes when tasks are committed, and finds how long after that their handlers start. */
export function watchCommits(produce: (first: number, last: number) => Promise<void>) {
  const sent: number[] = [];
  const committed: number[] = [];

  return {
    /** Enqueues so many tasks in one statement. */
    enqueue: async (count: number): Promise<void> => {
      const first = committed.length;
      sent.push(...Array<number>(count).fill(now()));
      committed.push(...Array<number>(count).fill(Infinity));
      await produce(first, first + count - 1);
      committed.fill(now(), first, first + count);
    },

    get committed(): readonly number[] {
      return committed;
    },

    /** When each task started, and its milliseconds since the commit and since the sending. A task not started counts as of now. */
    starts: async (worker: Child): Promise<{ at: number; latency: number; sinceSent: number }[]> => {
      const startOf = await readStarts(worker);
      return committed.map((commit, number) => {
        const at = startOf.get(number) ?? now();
        return { at, latency: at - commit, sinceSent: at - sent[number]! };
      });
    },
  };
}

const report = z.object({ starts: z.array(z.tuple([z.number(), z.number()])) });

/** When each numbered task has started. */
export async function readStarts(worker: Child): Promise<Map<number, number>> {
  worker.send("report");
  return new Map(report.parse(await worker.receive("starts")).starts);
}
