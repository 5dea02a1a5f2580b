import type { Sql } from "../app/db.ts";
import { share, type Lane } from "./lanes.ts";
import { claim, claimSuspect, survey, type Claimed } from "./statements.ts";
import type { Handler } from "./task.ts";

type Options = {
  sql: Sql;
  handlers: Record<string, Handler>;
  concurrency: number;
  /** How many more of a type the breaker lets through. */
  breakerRoom: (type: string, held: number) => number;
};

const longestSurveyPause = 1000;

/** Decides what a worker takes next. */
export function createClaims({ sql, handlers, concurrency, breakerRoom }: Options) {
  const types = Object.keys(handlers);
  const served = new Map<string, number>();
  let lanes: Lane[] = [];
  let round = 0;
  let agedCredit = 0;
  let nextSurvey = -Infinity;
  /** Between two suspects, others have their turn. */
  let isSuspectTurn = true;

  async function lookAround(): Promise<void> {
    const started = performance.now();
    lanes = [...(await survey(sql, types))];
    // Without a hint, at most a twentieth of the time is spent looking; a second is the longest look away.
    nextSurvey = started + Math.min(20 * (performance.now() - started), longestSurveyPause);
  }

  return {
    /** Whether the last look has left something due: then a hand that comes free is worth a claim. */
    get hasMore() {
      return lanes.length > 0;
    },

    /** Claims for the hands that are free, given how many of each type are held; `isDue` asks for a new look first. */
    async next(workerId: string, held: Map<string, number>, isDue: boolean): Promise<Claimed[]> {
      const inHand = [...held.values()].reduce((sum, count) => sum + count, 0);
      const hands = concurrency - inHand;
      if (hands <= 0) return [];
      if (isDue || (lanes.length > 0 && performance.now() > nextSurvey)) await lookAround();

      const open = lanes.filter(({ is_suspect }) => !is_suspect);
      const mayRunSuspect = isSuspectTurn || open.length === 0;
      const suspect = lanes.find(
        (lane) => mayRunSuspect && lane.is_suspect && breakerRoom(lane.task_type, held.get(lane.task_type) ?? 0) > 0,
      );
      if (suspect && inHand === 0) {
        isSuspectTurn = false;
        lanes = open;
        return claimSuspect(sql, workerId, suspect.task_id);
      }
      // Nobody has been idle enough to take it: let go of everything else.
      if (suspect?.is_aged) return [];

      const rooms = new Map(
        types.map((type) => {
          const count = held.get(type) ?? 0;
          const room = Math.min(handlers[type]!.concurrency - count, breakerRoom(type, count));
          return [type, { room, held: count, served: served.get(type) ?? 0 }];
        }),
      );
      const credit = agedCredit + hands / 4;
      isSuspectTurn = true;
      const quotas = share(open, rooms, hands, Math.floor(credit), Math.floor(concurrency / 4));
      if (!quotas.some(Boolean)) return [];

      const tasks = await claim(sql, workerId, open, quotas);
      agedCredit = credit % 1;
      round += 1;
      for (const { task_type } of tasks) served.set(task_type, round);
      lanes = open.flatMap((lane, place) => advance(lane, quotas[place]!, tasks));
      return tasks;
    },
  };
}

/** The lane from its last task on, or nothing when it has given less than was asked. */
function advance(lane: Lane, quota: number, tasks: Claimed[]): Lane[] {
  let [count, front] = [0, lane];
  for (const task of tasks) {
    if (task.task_type !== lane.task_type || task.priority !== lane.priority) continue;
    count += 1;
    if (isBehind(front, task))
      front = { ...lane, run_at: task.run_at, task_id: task.task_id, due_since: task.due_since };
  }
  return count < quota ? [] : [front];
}

function isBehind(front: Lane, task: Claimed): boolean {
  return (front.due_since - task.due_since || Number(front.task_id) - Number(task.task_id)) < 0;
}
