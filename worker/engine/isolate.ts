import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { leave } from "./reclaim.ts";
import { createRecorder, type Result } from "./record-outcomes.ts";
import { repeat } from "../repeat.ts";
import { runAttempt, type Outcome, type Running } from "./run-attempt.ts";
import { createSession } from "./session.ts";
import type { Handler, Task } from "./task.ts";
import { createTransactions } from "./transactions.ts";

/** Runs a poison task in a process of its own. The counterpart of `runAttempt`. */
export type Isolate = (handler: Handler, task: Task, onEnd: OnEnd) => Running;

/** `isRecorded`: the process has recorded the outcome itself. */
type OnEnd = (outcome: Outcome, isRecorded?: boolean) => void;

type Message = { task: Task; workerId: string };

/** After a crash of the process. */
const snoozeSeconds = 5;
/** About what one short task takes, with its process. */
const turnSeconds = 1;
/** For the start and the end of the process, and for an event loop that is blocked: its lease expires meanwhile. */
const graceSeconds = 30;

/**
 * Forks `entry` with the argument "isolated" for one poison task at a time. The process has a session of its own. If it
 * crashes, that session ends with it, and nothing but this task is hurt. Further poison tasks are released, each until a
 * turn of its own: a worker that was killed twice leaves many of them.
 */
export function createIsolate({ sql, log, entry }: { sql: Sql; log: Log; entry: string }): Isolate {
  let isBusy = false;
  /** On the clock of `performance.now()`, in seconds. */
  let lastTurn = 0;

  return (handler, task, onEnd) => {
    if (isBusy) {
      const now = performance.now() / 1000;
      lastTurn = Math.max(lastTurn, now) + turnSeconds;
      setImmediate(onEnd, { kind: "released", delaySeconds: lastTurn - now });
      return { task, limitTime() {}, drop() {} };
    }
    isBusy = true;
    const message: Message = { task, workerId: randomUUID() };
    const { task_id, task_type } = task;
    log.warn({ task_id, task_type, worker_id: message.workerId }, "poison task: runs isolated");

    const child = fork(entry, ["isolated"], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), (handler.timeoutSeconds + graceSeconds) * 1000);
    let outcome: Outcome | undefined;
    child.once("message", (ended: Outcome) => (outcome = ended));
    child.send(message, () => {});

    let hasEnded = false;
    const end = (why: object) => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(timer);
      isBusy = false;
      if (outcome) return onEnd(outcome, true);
      log.error({ task_id, task_type, ...why }, "the isolated process ended without an outcome");
      leave(sql, message.workerId, [task])
        .catch((error: unknown) => log.warn({ err: error }, "its lease will expire"))
        // Released if the process has died before it took the task over; else this changes nothing.
        .finally(() => onEnd({ kind: "released", delaySeconds: snoozeSeconds }));
    };
    child.once("error", (error) => end({ err: error }));
    child.once("close", (code, signal) => end({ code, signal }));
    return { task, limitTime() {}, drop: () => child.kill("SIGKILL") };
  };
}

type Options = {
  sql: Sql;
  taskSql: Sql;
  heartbeatSql: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  heartbeatSeconds?: number;
  leaseSeconds?: number | undefined;
};

/** What the forked process does: takes the task over into a session of its own, runs it, records its outcome. */
export async function runIsolated(options: Options): Promise<void> {
  const { sql, taskSql, heartbeatSql, log, handlers, heartbeatSeconds = 4, leaseSeconds } = options;
  // The worker that forked it decides when it is stopped. When that dies, so does it: its lease expires.
  process.on("SIGTERM", () => {}).on("SIGINT", () => {});
  process.once("disconnect", () => process.exit(1));
  const { task, workerId } = await new Promise<Message>((resolve) => process.once("message", resolve));
  const over = new AbortController();

  const session = createSession({ sql: heartbeatSql, log, heartbeatSeconds, leaseSeconds, firstId: workerId });
  await session.heartbeat();
  const [mine] = await takeOver(sql, task, workerId);
  if (!mine) return leaveAfter({ kind: "recorded" });
  void repeat(() => session.heartbeat(), heartbeatSeconds, { signal: over.signal, log });

  const taken: Task = { ...task, worker_id: workerId, claimed_at: new Date(task.claimed_at) };
  const record = createRecorder({ sql, log, handlers, signal: over.signal, onEvent: () => {} });
  const outcome = await new Promise<Outcome>((resolve) => {
    runAttempt(createTransactions(taskSql), handlers[task.task_type]!, taken, resolve).limitTime();
  });
  const result = await new Promise<Result | undefined>((resolve) => record(taken, outcome, resolve));
  log.info({ task_id: task.task_id, task_type: task.task_type, attempt: task.attempt }, result ?? "not recorded");
  await leaveAfter(outcome);

  async function leaveAfter(ended: Outcome): Promise<void> {
    over.abort();
    await leave(sql, workerId, []);
    await new Promise((resolve) => process.send!(ended, resolve));
  }
}

/** The attempt goes on under another session. Returns no row if the worker has lost it meanwhile. */
function takeOver(sql: Sql, { task_id, attempt, worker_id }: Task, workerId: string) {
  return sql<{ task_id: string }[]>`
    update task
    set worker_id = ${workerId}
    where task_id = ${task_id} and attempt = ${attempt} and worker_id = ${worker_id}
      and exists (select from worker where worker_id = ${workerId} and expired_at is null for key share)
    returning task_id
  `;
}
