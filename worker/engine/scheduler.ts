import type { Sql } from "../../app/db.ts";
import { createKnownLanes } from "./lane-cache.ts";
import { share, type Lane } from "./share-slots.ts";
import { claim, claimSuspect, type Claimed } from "./claim.ts";
import type { Handler } from "../task.ts";

type Options = {
  sql: Sql;
  handlers: Record<string, Handler>;
  concurrency: number;
  /** How many more of a type the breaker lets through. */
  breakerRoom: (type: string, held: number) => number;
};

/** So that the next claim can be under way while these tasks start. */
const mostAtOnce = 2000;

/** Decides what a worker takes next. */
export function createClaims({ sql, handlers, concurrency, breakerRoom }: Options) {
  const types = Object.keys(handlers);
  const mostKept = Math.floor(Math.min(concurrency, mostAtOnce) / 4);
  const served = new Map<string, number>();
  const known = createKnownLanes(sql, types);
  let round = 0;
  let agedCredit = 0;
  /** Between two suspects, others have their turn. */
  let isSuspectTurn = true;

  function quotasFor(lanes: Lane[], held: ReadonlyMap<string, number>, hands: number): number[] {
    const rooms = new Map(
      types.map((type) => {
        const count = held.get(type) ?? 0;
        const room = Math.min(handlers[type]!.concurrency - count, breakerRoom(type, count));
        return [type, { room, held: count, served: served.get(type) ?? 0 }];
      }),
    );
    return share(lanes, rooms, hands, Math.floor(agedCredit + hands / 4), mostKept);
  }

  return {
    /** Whether a hand that comes free is worth a claim: lanes are known to have more, or a look is asked for. */
    get hasMore() {
      return known.hasMore;
    },

    /** Milliseconds until the look that a hint has asked for; infinite when none did. */
    get pause() {
      return known.pause;
    },

    /** Claims for the hands that are free, given how many of each type are held; `isDue` tells of a commit since the last call. */
    async next(workerId: string, held: ReadonlyMap<string, number>, isDue: boolean): Promise<Claimed[]> {
      if (isDue) known.expectMore();
      const inHand = [...held.values()].reduce((sum, count) => sum + count, 0);
      const hands = Math.min(concurrency - inHand, mostAtOnce);
      if (hands <= 0) return [];
      await known.refresh();

      const open = known.open.filter(({ is_suspect }) => !is_suspect);
      const mayRunSuspect = isSuspectTurn || open.length === 0;
      const suspect = known.open.find(
        (lane) => mayRunSuspect && lane.is_suspect && breakerRoom(lane.task_type, held.get(lane.task_type) ?? 0) > 0,
      );
      if (suspect && inHand === 0) {
        isSuspectTurn = false;
        known.forget(suspect);
        const alone = await claimSuspect(sql, workerId, suspect.task_id);
        // Somebody else has it: there may be more beside it.
        return alone.length > 0 ? alone : this.next(workerId, held, false);
      }
      // Nobody has been idle enough to take it: let go of everything else.
      if (suspect?.is_aged) return [];

      isSuspectTurn = true;
      const quotas = quotasFor(open, held, hands);
      if (!quotas.some(Boolean)) return [];

      const tasks = await claim(sql, workerId, open, quotas);
      agedCredit = (agedCredit + hands / 4) % 1;
      round += 1;
      for (const { task_type } of tasks) served.set(task_type, round);
      known.advance(open, quotas, tasks);
      // Those that were asked first had nothing any more; now it is the others' turn.
      if (tasks.length === 0 && known.open.length > 0) return this.next(workerId, held, false);
      return tasks;
    },
  };
}

export type Claims = ReturnType<typeof createClaims>;
