import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Sql } from "../../app/db.ts";
import type { Log } from "../../app/log.ts";
import { beat, freeTheDead, join, leave } from "./session-statements.ts";

type Options = {
  /** A connection of its own: a heartbeat must not queue behind the work. */
  sql: Sql;
  log: Log;
  heartbeatSeconds: number;
  /** At least three heartbeats. */
  leaseSeconds: number;
  /** This worker was declared dead: what it holds is somebody else's by now. */
  onLost: () => void;
  onJoined: () => void;
  /** What this worker has handlers for. */
  types?: string[];
  /** The longest turn of the event loop since it was last asked. */
  turnMilliseconds?: () => number;
};

/** One live worker process: its row with a heartbeat, and its judgement of the others. */
export function createSession(options: Options) {
  const { sql, log, heartbeatSeconds, leaseSeconds, onLost, onJoined, types, turnMilliseconds } = options;
  let workerId: string | undefined;
  let lastSeen = -Infinity;
  let aliveSince = Infinity;

  return {
    /** Undefined while it has no session: nothing may be claimed. */
    get workerId() {
      return workerId;
    },

    /** To be called every `heartbeatSeconds`. */
    async beat(): Promise<void> {
      // After a failed beat, or none for long, the database may have been away for all: it takes a lease of
      // good beats before this worker judges again, so that an outage is not taken for everybody's death.
      const before = aliveSince;
      aliveSince = Infinity;
      if (workerId && !(await beat(sql, workerId, turnMilliseconds?.()))[0]) {
        log.warn({ worker_id: workerId }, "declared dead: what was in hand is left to others");
        workerId = undefined;
        onLost();
      }
      if (!workerId) {
        const id = randomUUID();
        await join(sql, id, hostname(), process.pid, types);
        workerId = id;
        log.info({ worker_id: id }, "joined");
        onJoined();
      }
      // Asked when the beat is over: a database that froze has made this very beat late.
      const isFresh = performance.now() - lastSeen <= 2 * heartbeatSeconds * 1000;
      lastSeen = performance.now();
      aliveSince = isFresh ? Math.min(before, lastSeen) : lastSeen;
      if (lastSeen - aliveSince < leaseSeconds * 1000) return;

      const freed = await freeTheDead(sql, leaseSeconds, workerId);
      for (const task of freed) log.warn(task, "freed: its worker is gone");
    },

    async leave(): Promise<void> {
      if (workerId) await leave(sql, workerId);
    },
  };
}

export type Session = ReturnType<typeof createSession>;
