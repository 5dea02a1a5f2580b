import type { Sql } from "../../app/db.ts";
import type { Lane } from "./share-slots.ts";
import type { Claimed } from "./claim.ts";
import { survey } from "./find-lanes.ts";

const longestPause = 500;

/**
 * What a worker knows of the lanes. A look reads over all that is done and not yet vacuumed, and that may be much while
 * somebody holds a snapshot open, so at most a twentieth of the time is spent on looking, but for one look each half second.
 * In between, a lane that has given lately is asked for more from where it gave last: that reads nothing twice.
 */
export function createKnownLanes(sql: Sql, types: string[]) {
  /** May have something due, as far as we know. */
  let open: Lane[] = [];
  /** Have given all they had, since the look before the last one. */
  let dry: Lane[] = [];
  const given = new Set<string>();
  let nextLook = -Infinity;
  let isLookAsked = false;
  let tookBefore = 0;

  return {
    get open(): readonly Lane[] {
      return open;
    },

    get hasMore(): boolean {
      return open.length > 0 || isLookAsked;
    },

    /** Milliseconds until the look that was asked for is due; infinite when none was. */
    get pause(): number {
      return isLookAsked ? Math.max(0, nextLook - performance.now()) : Infinity;
    },

    /** Somebody has committed a task: in a lane that is known, or in another. */
    expectMore(): void {
      isLookAsked = true;
      open = [...open, ...dry.map((lane) => ({ ...lane, is_aged: false }))];
      dry = [];
    },

    /** Looks, if it is time. */
    async refresh(): Promise<void> {
      if (!this.hasMore || performance.now() < nextLook) return;
      const started = performance.now();
      const due = await survey(sql, types);
      const took = performance.now() - started;
      // Of the last two looks the cheaper: one that had to wait for a lock says nothing about the next.
      nextLook = performance.now() + Math.min(20 * Math.min(took, tookBefore), longestPause);
      tookBefore = took;
      isLookAsked = false;

      const isDue = new Set(due.map(key));
      dry = [...dry, ...open].filter((lane) => given.has(key(lane)) && !isDue.has(key(lane)));
      open = due;
      given.clear();
    },

    forget(lane: Lane): void {
      open = open.filter((other) => other !== lane);
    },

    /** Notes what the lanes have given. One that has given less than was asked is dry. */
    advance(asked: Lane[], quotas: number[], tasks: Claimed[]): void {
      open = open.filter(({ is_suspect }) => is_suspect);
      asked.forEach((lane, place) => {
        const taken = tasks.filter((task) => task.task_type === lane.task_type && task.priority === lane.priority);
        if (taken.length > 0) given.add(key(lane));
        const front = taken.reduce(last, lane);
        if (taken.length < quotas[place]!) dry.push(front);
        else open.push(front);
      });
    },
  };
}

const key = ({ task_type, priority, is_suspect }: Lane) => `${task_type} ${priority} ${is_suspect}`;

function last(front: Lane, { run_at, task_id, due_since }: Claimed): Lane {
  const isBehind = (due_since - front.due_since || Number(task_id) - Number(front.task_id)) > 0;
  return isBehind ? { ...front, run_at, task_id, due_since } : front;
}
