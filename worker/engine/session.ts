import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";

type Options = {
  /** A connection of its own: a heartbeat must not queue behind the work. */
  sql: Sql;
  log: Log;
  heartbeatSeconds: number;
  /** How long others wait for a heartbeat before they declare this worker dead; the schema's default when it is left out. */
  leaseSeconds?: number | undefined;
  /** This worker was declared dead: its tasks are other workers' by now. */
  onLost?: () => void;
  onJoined?: () => void;
  /** What this worker has handlers for. */
  types?: string[];
  /** The name of the first session. */
  firstId?: string;
};

export type Session = ReturnType<typeof createSession>;

/** One live worker process: a row in `worker` with a heartbeat. */
export function createSession(options: Options) {
  const { sql, log, heartbeatSeconds, leaseSeconds, onLost, onJoined, types = [], firstId = randomUUID() } = options;
  const takeEventLoopDelay = measureEventLoopDelay();
  let nextId = firstId;
  let workerId: string | undefined;
  let leaseMilliseconds = Infinity;
  let lastSeen = -Infinity;
  let aliveSince = Infinity;
  const isFresh = () => performance.now() - lastSeen <= 2 * heartbeatSeconds * 1000;

  async function begin(): Promise<void> {
    const worker_id = nextId;
    nextId = randomUUID();
    const [row] = await join(sql, { worker_id, host: hostname(), pid: process.pid, types, leaseSeconds });
    leaseMilliseconds = row!.lease_seconds * 1000;
    workerId = worker_id;
    log.info({ worker_id }, "joined");
    onJoined?.();
  }

  return {
    /** Undefined while it has no session: nothing may be claimed. */
    get workerId() {
      return workerId;
    },

    /** Whether it has had good heartbeats for a whole lease until now, and so may declare others dead. */
    get mayJudge(): boolean {
      return isFresh() && lastSeen - aliveSince >= leaseMilliseconds;
    },

    /** To be called every `heartbeatSeconds`. */
    async heartbeat(): Promise<void> {
      // A heartbeat that failed or came late may have been late for all: an outage must not look like everybody's death.
      const before = aliveSince;
      aliveSince = Infinity;
      if (workerId && !(await heartbeat(sql, workerId, takeEventLoopDelay()))[0]) {
        log.warn({ worker_id: workerId }, "declared dead: its tasks are left to other workers");
        workerId = undefined;
        onLost?.();
      }
      if (!workerId) await begin();
      // Read when the heartbeat is over: a database that froze has made this very one late.
      const wasFresh = isFresh();
      lastSeen = performance.now();
      aliveSince = wasFresh ? Math.min(before, lastSeen) : lastSeen;
    },
  };
}

type Joining = { worker_id: string; host: string; pid: number; types?: string[]; leaseSeconds?: number | undefined };

/** A worker begins a session. Returns its lease. */
export function join(sql: Sql, { worker_id, host, pid, types, leaseSeconds }: Joining) {
  const row = { worker_id, host, pid, ...(types && { task_types: types }) };
  return sql<{ lease_seconds: number }[]>`
    insert into worker ${sql(leaseSeconds === undefined ? row : { ...row, lease_seconds: leaseSeconds })}
    returning lease_seconds
  `;
}

/** A heartbeat, with the longest event-loop delay since the last. Returns no row to a worker that was declared dead. */
export function heartbeat(sql: Sql, workerId: string, eventLoopDelay: number | null = null) {
  return sql<{ worker_id: string }[]>`
    update worker
    set seen_at = now(), event_loop_delay_milliseconds = ${eventLoopDelay}
    where worker_id = ${workerId} and expired_at is null
    returning worker_id
  `;
}

const resolution = 20;

/** Returns a function that tells the longest delay of the event loop, in milliseconds, since it was last called. */
function measureEventLoopDelay(): () => number {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  return () => {
    // Node measures the time between two of its own looks, which it takes every 20 ms.
    const longest = Math.max(0, delays.max / 1e6 - resolution);
    delays.reset();
    return longest;
  };
}
