import { z } from "zod";
import type { Child } from "./child.ts";
import { now } from "./clock.ts";

/** Notes when tasks were committed, and finds how long after that their handlers started. */
export function watchCommits(produce: (first: number, last: number) => Promise<void>) {
  const sent: number[] = [];
  const committed: number[] = [];

  return {
    /** Owes so many tasks in one statement. */
    owe: async (count: number): Promise<void> => {
      const first = committed.length;
      sent.push(...Array<number>(count).fill(now()));
      committed.push(...Array<number>(count).fill(Infinity));
      await produce(first, first + count - 1);
      committed.fill(now(), first, first + count);
    },

    get committed(): readonly number[] {
      return committed;
    },

    /** When each started, and how many milliseconds after its commit and its sending; who has not yet, counts as of now. */
    async starts(worker: Child): Promise<{ at: number; latency: number; sinceSent: number }[]> {
      worker.tell("report");
      const { starts } = report.parse(await worker.heard("starts"));
      const byNumber = new Map(starts);
      return committed.map((commit, number) => {
        const at = byNumber.get(number) ?? now();
        return { at, latency: at - commit, sinceSent: at - sent[number]! };
      });
    },
  };
}

const report = z.object({ starts: z.array(z.tuple([z.number(), z.number()])) });
