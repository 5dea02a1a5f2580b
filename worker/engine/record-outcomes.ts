import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable, type Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { errorText } from "./errors.ts";
import {
  finish,
  finishSkippingLocked,
  giveBack,
  type Done,
  type Fence,
  type GivenBack,
  type Recorded,
} from "./outcomes.ts";
import type { Outcome } from "./run-attempt.ts";
import type { Handler, Task } from "./task.ts";

/** What became of an attempt. `lost`: the task is another worker's by now, and nothing was changed. */
export type Result = "done" | "failed" | "dead" | "snoozed" | "service down" | "released" | "lost";

type Options = {
  sql: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  /** Aborted when the process gives up what it could not record. */
  signal: AbortSignal;
  /** An event was recorded with an outcome. */
  onEvent: () => void;
};

export type RecordOutcome = ReturnType<typeof createRecorder>;

/** Records outcomes, many in one statement, and repeats what the database did not take. */
export function createRecorder({ sql, log, handlers, signal, onEvent }: Options) {
  const finishOne = createBatch((done: Done[], wereLocked) => finishAll(sql, done, wereLocked), { log, signal });
  const giveBackOne = createBatch((tasks: GivenBack[]) => giveBack(sql, tasks), { log, signal });

  /** Calls `onRecorded` once; without a result when the process has given up. */
  return function record(task: Task, outcome: Outcome, onRecorded: (result?: Result) => void): void {
    if (outcome.kind === "recorded") return onRecorded("done");
    if (outcome.kind === "done") {
      const { event } = outcome;
      return finishOne(event ? { ...task, event } : task, (answer, error) => {
        if (answer === "recorded" && event) onEvent();
        if (error === undefined) return onRecorded(answer === "recorded" ? "done" : answer);
        // Trying again would do the work twice, and end the same way.
        const text = `The task is done, but its outcome could not be recorded: ${errorText(error)}`;
        record(task, { kind: "permanent", error: text }, onRecorded);
      });
    }
    const { task_id, attempt, worker_id, run_at } = task;
    const given = { task_id, attempt, worker_id, run_at, ...afterFailure(handlers[task.task_type]!, task, outcome) };
    giveBackOne(given, (answer, error) => {
      if (answer === "recorded" && given.is_dead) onEvent();
      if (error !== undefined) log.error({ err: error, task_id }, "outcome not recorded");
      onRecorded(answer === "recorded" ? resultOf(outcome, given.is_dead) : answer);
    });
  };
}

type Failed = Exclude<Outcome, { kind: "done" | "recorded" }>;

function resultOf({ kind }: Failed, isDead: boolean): Result {
  if (isDead) return "dead";
  if (kind === "snooze") return "snoozed";
  return kind === "service down" || kind === "released" ? kind : "failed";
}

/** What a failed attempt means for its row. */
function afterFailure(handler: Handler, task: Task, outcome: Failed): Omit<GivenBack, keyof Fence | "run_at"> {
  const untried = { error: null, delay_seconds: null, is_dead: false, is_counted: false, crashes: 0 };
  if (outcome.kind === "released") {
    return { ...untried, delay_seconds: outcome.delaySeconds ?? null, crashes: task.crashes };
  }
  if (outcome.kind === "snooze") return { ...untried, delay_seconds: inBounds(outcome.delaySeconds) };
  // It keeps its place and its attempt; the history says why it waits.
  if (outcome.kind === "service down") return { ...untried, error: outcome.error };

  const isOver = task.attempt >= handler.maxAttempts || outcome.kind === "permanent" || outcome.kind === "refused";
  const isDead = isOver || (outcome.kind === "outcome unknown" && handler.afterUnknown === "bury");
  return {
    error: outcome.error,
    delay_seconds: inBounds(outcome.delaySeconds, isDead ? 0 : handler.backoffSeconds(task.attempt)),
    is_dead: isDead,
    is_counted: outcome.kind !== "refused",
    crashes: 0,
  };
}

const longestDelaySeconds = 366 * 24 * 3600;
const fallbackSeconds = 3600;

/** The first finite delay. One that Postgres can't add to a time would leave the task running forever. */
function inBounds(...seconds: (number | undefined)[]): number {
  const delay = seconds.find(Number.isFinite) ?? fallbackSeconds;
  return Math.min(Math.max(delay, 0), longestDelaySeconds);
}

/** Waits for locks at first: they are rare, and locking each row before its deletion costs 55 bytes of WAL. */
async function finishAll(sql: Sql, done: Done[], wereLocked: boolean): Promise<readonly Recorded[]> {
  try {
    return await (wereLocked ? finishSkippingLocked : finish)(sql, done);
  } catch (error) {
    if (codeOf(error) !== "55P03") throw error;
    return finishSkippingLocked(sql, done);
  }
}

type OnAnswer = (answer: "recorded" | "lost" | undefined, error?: unknown) => void;
type Entry<Item> = { item: Item; onAnswer: OnAnswer };

const retryMilliseconds = 500;

/**
 * Collects the outcomes that arrive in the same instant, or while the batch before is under way, into one statement. Answers by
 * callbacks: at 50,000 outcomes a second, a promise for each is a quarter of the work. Locked rows are retried later, apart from
 * the others. A database that is away is waited for. Data that Postgres refuses is refused to its own outcome only.
 */
function createBatch<Item extends Fence>(
  write: (items: Item[], wereLocked: boolean) => PromiseLike<readonly Recorded[]>,
  { log, signal }: Pick<Options, "log" | "signal">,
): (item: Item, onAnswer: OnAnswer) => void {
  let waiting: Entry<Item>[] = [];
  let locked: Entry<Item>[] = [];
  let isWriting = false;

  function add(entry: Entry<Item>): void {
    waiting.push(entry);
    if (isWriting) return;
    isWriting = true;
    setImmediate(() => void writeAll());
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await writeBatch(batch);
    }
    isWriting = false;
  }

  async function writeBatch(batch: Entry<Item>[], wereLocked = false): Promise<void> {
    try {
      const items = batch.map(({ item }) => item);
      const rows = await write(items, wereLocked);
      const found = new Map(rows.map((row) => [keyOf(row), row.is_recorded]));
      for (const entry of batch) {
        const isRecorded = found.get(keyOf(entry.item));
        if (isRecorded === false) retryLater(entry);
        else entry.onAnswer(isRecorded ? "recorded" : "lost");
      }
    } catch (error) {
      if (isUnavailable(error)) {
        log.error({ err: error }, "outcomes not recorded yet; trying again");
        await delay(retryMilliseconds, undefined, { signal }).catch(() => {});
        return retry(batch, () => batch.forEach(add));
      }
      if (batch.length > 1) {
        for (const entry of batch) await writeBatch([entry], wereLocked);
        return;
      }
      if (isRefused(error)) return batch[0]!.onAnswer(undefined, error);
      log.error({ err: error }, "outcome not recorded yet; trying again");
      retryLater(batch[0]!);
    }
  }

  function retryLater(entry: Entry<Item>): void {
    locked.push(entry);
    if (locked.length > 1) return;
    setTimeout(() => {
      const batch = locked;
      locked = [];
      retry(batch, () => void writeBatch(batch, true));
    }, retryMilliseconds).unref();
  }

  function retry(batch: Entry<Item>[], again: () => void): void {
    if (!signal.aborted) return again();
    for (const { onAnswer } of batch) onAnswer(undefined);
  }

  return (item, onAnswer) => add({ item, onAnswer });
}

const keyOf = ({ task_id, attempt }: Pick<Task, "task_id" | "attempt">) => `${task_id} ${attempt}`;

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");

/** Classes 22 (data) and 23 (constraints) stay wrong however often they are repeated; anything else passes. */
const isRefused = (error: unknown) => /^2[23]...$/.test(codeOf(error));
