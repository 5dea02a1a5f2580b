import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Sql } from "../../app/db.ts";
import type { Lane } from "../../worker/lanes.ts";
import { beat, freeTheDead, join, leave } from "../../worker/session-statements.ts";
import { claim, claimSuspect } from "../../worker/claim-statements.ts";
import type { Held } from "../../worker/fence.ts";
import { fail, finish } from "../../worker/outcome-statements.ts";
import { release } from "../../worker/release-statements.ts";
import { survey } from "../../worker/survey-statements.ts";
import { createDatabase, empty } from "../support/database.ts";

// The engine's statements, in any order and by any worker, against a model that is nothing but maps.

type Task = {
  task_id: string;
  task_type: string;
  priority: number;
  unique_key: string | null;
  attempt: number;
  unsettled: number;
  worker_id: string | null;
  /** Seconds since 1970. */
  run_at: number;
  is_due: boolean;
};

type Worker = {
  id: string;
  /** What it believes to hold, whoever holds it by now. */
  hand: Held[];
  /** What it saw when it last looked, whatever became of it. */
  lanes: Lane[];
};

type Model = {
  tasks: Map<string, Task>;
  dead: Map<string, { attempt: number; reason: string }>;
  errors: Map<string, string>;
  /** Rows of the table. */
  sessions: Map<string, { isSilent: boolean }>;
  workers: Worker[];
};

const types = ["A", "B", "C"];
const { sql } = await createDatabase();
const died = "The worker died, or was cut off, before there was an outcome.";
const stopped = "The worker was stopped before there was an outcome.";

// How often each was done, and the rare cases among them.
const reached = new Map<string, number>();
const note = (what: string, times = 1) => reached.set(what, (reached.get(what) ?? 0) + times);

/** Does it to both, then compares all the tables with the model. */
function step(name: string, words: unknown[], apply: (model: Model) => Promise<void>): fc.AsyncCommand<Model, Sql> {
  return {
    check: () => true,
    async run(model) {
      note(name);
      await apply(model);
      await expectAsModelled(model);
    },
    toString: () => `${name}(${JSON.stringify(words).slice(1, -1)})`,
  };
}

const insert = (type: string, priority: number, isDue: boolean, key: string | null, minutesAgo: number) =>
  step("insert", [type, priority, isDue, key, minutesAgo], async ({ tasks }) => {
    const minutes = isDue ? -minutesAgo : 1000;
    const isTaken = [...tasks.values()].some((task) => task.task_type === type && task.unique_key === key);
    const inserted = sql<{ task_id: string; run_at: number }[]>`
      insert into task (task_type, priority, unique_key, run_at)
      values (${type}, ${priority}, ${key}, now() + make_interval(mins => ${minutes}))
      returning task_id, extract(epoch from run_at)::float8 as run_at
    `;
    if (key !== null && isTaken) {
      await expect(inserted).rejects.toMatchObject({ code: "23505" });
      return;
    }
    const [{ task_id, run_at }] = (await inserted) as unknown as [{ task_id: string; run_at: number }];
    const row = { task_id, task_type: type, priority, unique_key: key, attempt: 0, unsettled: 0, worker_id: null };
    tasks.set(task_id, { ...row, run_at, is_due: isDue });
  });

const joinAnew = (who: number) =>
  step("join", [who], async ({ workers, sessions }) => {
    const worker = workers[who]!;
    if (sessions.has(worker.id)) return;
    // Its hand it keeps: what it believes to hold of its last session must be out of its reach.
    worker.id = randomUUID();
    sessions.set(worker.id, { isSilent: false });
    await join(sql, worker.id, "model", who);
  });

const heartbeat = (who: number) =>
  step("beat", [who], async ({ workers, sessions }) => {
    const session = sessions.get(workers[who]!.id);
    expect(await beat(sql, workers[who]!.id)).toHaveLength(session ? 1 : 0);
    if (session) session.isSilent = false;
  });

const fallSilent = (who: number) =>
  step("fall silent", [who], async ({ workers, sessions }) => {
    const { id } = workers[who]!;
    await sql`update worker set seen_at = now() - interval '1 hour' where worker_id = ${id}`;
    const session = sessions.get(id);
    if (session) session.isSilent = true;
  });

const look = (who: number) =>
  step("survey", [who], async (model) => {
    const lanes = [...(await survey(sql, types))];
    model.workers[who]!.lanes = lanes;
    const fronts = lanes.map((lane) => [lane.task_type, lane.priority, lane.task_id, lane.is_suspect].join());
    expect(fronts.toSorted()).toEqual(modelledFronts(model).toSorted());
  });

const claimSome = (who: number, pattern: number[]) =>
  step("claim", [who, pattern], async (model) => {
    const worker = model.workers[who]!;
    const lanes = worker.lanes.filter(({ is_suspect }) => !is_suspect);
    const quotas = lanes.map((_, place) => pattern[place % pattern.length]!);
    const expected = model.sessions.has(worker.id)
      ? lanes.flatMap((lane, place) => claimable(model, lane).slice(0, quotas[place]))
      : [];
    expect(ids(await claim(sql, worker.id, lanes, quotas))).toEqual(ids(expected));
    take(worker, expected);
  });

const claimAlone = (who: number, isFresh: boolean) =>
  step("claim a suspect", [who, isFresh], async (model) => {
    const worker = model.workers[who]!;
    if (isFresh) worker.lanes = [...(await survey(sql, types))];
    const suspect = worker.lanes.find(({ is_suspect }) => is_suspect);
    if (!suspect) return;
    const task = model.tasks.get(suspect.task_id);
    const isFree = task?.worker_id === null && task.unsettled >= 2 && model.sessions.has(worker.id);
    const expected = isFree ? [task] : [];
    note("a suspect taken", expected.length);
    expect(ids(await claimSuspect(sql, worker.id, suspect.task_id))).toEqual(ids(expected));
    take(worker, expected);
  });

/** All workers claim at the same instant: who gets what is open, but each task goes to one of them at most. */
const race = () =>
  step("race", [], async (model) => {
    const open = (await survey(sql, types)).filter(({ is_suspect }) => !is_suspect);
    const free = new Set(open.flatMap((lane) => ids(claimable(model, lane))));
    const two = open.map(() => 2);
    const claims = await Promise.all(model.workers.map(({ id }) => claim(sql, id, open, two)));
    const taken = claims.flatMap(ids);
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.filter((id) => !free.has(id))).toEqual([]);
    for (const [who, worker] of model.workers.entries()) {
      if (!model.sessions.has(worker.id)) expect(claims[who]).toHaveLength(0);
      take(
        worker,
        claims[who]!.map(({ task_id }) => model.tasks.get(task_id)!),
      );
    }
  });

/** Takes part of what a worker believes to hold; `held` of that is what it does hold. */
function letGo({ workers, tasks }: Model, who: number, from: number, count: number): { all: Held[]; held: Task[] } {
  const { hand } = workers[who]!;
  const all = hand.splice(from % Math.max(hand.length, 1), count);
  const held = all.flatMap(({ task_id, attempt, worker_id }) => {
    const task = tasks.get(task_id);
    return task?.attempt === attempt && task.worker_id === worker_id ? [task] : [];
  });
  note("an outcome that comes too late", all.length - held.length);
  return { all, held };
}

const finishSome = (who: number, from: number, count: number) =>
  step("finish", [who, from, count], async (model) => {
    const { all, held } = letGo(model, who, from, count);
    expect(ids(await finish(sql, all))).toEqual(ids(held));
    for (const { task_id } of held) model.tasks.delete(task_id);
  });

const failSome = (who: number, from: number, count: number, delays: (number | null)[], isRefused: boolean) =>
  step("fail", [who, from, count, delays, isRefused], async (model) => {
    const { all, held } = letGo(model, who, from, count);
    const failures = all.map((one, place) => {
      const delay_seconds = delays[place % delays.length]!;
      const is_unstarted = isRefused && delay_seconds === null;
      return { ...one, error: `error of ${one.attempt}`, delay_seconds, is_unstarted };
    });
    expect(ids(await fail(sql, failures))).toEqual(ids(held));

    for (const { task_id, attempt, error, delay_seconds, is_unstarted } of failures) {
      const task = held.find((task) => task.task_id === task_id && task.attempt === attempt);
      if (!task) continue;
      if (!is_unstarted) model.errors.set(`${task_id}/${attempt}`, error);
      if (delay_seconds === null) {
        model.tasks.delete(task_id);
        model.dead.set(task_id, { attempt: attempt - Number(is_unstarted), reason: error });
        continue;
      }
      const [row] = await sql<{ run_at: number }[]>`
        select extract(epoch from run_at)::float8 as run_at from task where task_id = ${task_id}
      `;
      Object.assign(task, { worker_id: null, unsettled: 0, run_at: row!.run_at, is_due: delay_seconds === 0 });
    }
  });

const releaseSome = (who: number, from: number, count: number) =>
  step("release", [who, from, count], async (model) => {
    const { all, held } = letGo(model, who, from, count);
    await release(sql, all);
    for (const task of held) Object.assign(task, { worker_id: null, attempt: task.attempt - 1 });
  });

const judge = () =>
  step("free the dead", [], async ({ sessions, tasks, errors }) => {
    for (const [id, { isSilent }] of sessions) if (isSilent) sessions.delete(id);
    const orphans = [...tasks.values()].filter(({ worker_id }) => worker_id !== null && !sessions.has(worker_id));
    expect(ids(await freeTheDead(sql, 60))).toEqual(ids(orphans));
    for (const task of orphans) {
      const key = `${task.task_id}/${task.attempt}`;
      if (!errors.has(key)) errors.set(key, died);
      Object.assign(task, { worker_id: null, unsettled: task.unsettled + 1 });
    }
  });

const quit = (who: number) =>
  step("leave", [who], async ({ workers, sessions, tasks, errors }) => {
    const { id } = workers[who]!;
    await leave(sql, id);
    sessions.delete(id);
    for (const task of tasks.values()) {
      if (task.worker_id !== id) continue;
      const key = `${task.task_id}/${task.attempt}`;
      if (!errors.has(key)) errors.set(key, stopped);
      Object.assign(task, { worker_id: null, unsettled: task.unsettled + 1 });
    }
  });

/** Takes what there is, ends without an outcome, is noticed at once, and comes back. */
const crash = (who: number) =>
  step("crash", [who], async (model) => {
    for (const next of [
      look(who),
      claimSome(who, [2]),
      claimAlone(who, false),
      fallSilent(who),
      judge(),
      joinAnew(who),
    ])
      await next.run(model, sql);
  });

const byAge = (a: Task, b: Task) => a.run_at - b.run_at || Number(a.task_id) - Number(b.task_id);

/** What a claim may take from a lane: free, due, not suspect, and not before the lane's front. */
function claimable({ tasks }: Model, lane: Lane): Task[] {
  const front = { run_at: lane.due_since, task_id: lane.task_id } as Task;
  return [...tasks.values()]
    .filter(({ task_type, priority }) => task_type === lane.task_type && priority === lane.priority)
    .filter(({ worker_id, is_due, unsettled }) => worker_id === null && is_due && unsettled < 2)
    .filter((task) => byAge(task, front) >= 0)
    .toSorted(byAge);
}

/** The oldest of each type and priority, and the oldest suspect of each type. */
function modelledFronts({ tasks }: Model): string[] {
  const free = [...tasks.values()]
    .filter(({ worker_id, is_due, task_type }) => worker_id === null && is_due && types.includes(task_type))
    .toSorted(byAge);
  const fronts = new Map<string, string>();
  for (const { task_type, priority, task_id, unsettled } of free) {
    const isSuspect = unsettled >= 2;
    const lane = isSuspect ? task_type : `${task_type}/${priority}`;
    if (!fronts.has(lane)) fronts.set(lane, [task_type, priority, task_id, isSuspect].join());
  }
  return [...fronts.values()];
}

function take(worker: Worker, tasks: Task[]): void {
  for (const task of tasks) {
    Object.assign(task, { worker_id: worker.id, attempt: task.attempt + 1 });
    worker.hand.push({ task_id: task.task_id, attempt: task.attempt, worker_id: worker.id });
  }
}

const ids = (rows: readonly { task_id: string }[]) => rows.map(({ task_id }) => task_id).toSorted();

async function expectAsModelled({ tasks, dead, errors, sessions }: Model): Promise<void> {
  const [rows] = await sql<{ tasks: unknown; dead: unknown; errors: unknown; sessions: unknown }[]>`
    select
      (select array_agg(concat_ws('/', task_id, attempt, unsettled, coalesce(worker_id::text, '')) order by task_id)
        from task) as tasks,
      (select array_agg(concat_ws('/', task_id, attempt, reason) order by task_id) from task_dead) as dead,
      (select array_agg(concat_ws('/', task_id, attempt, error) order by task_id, attempt) from task_error) as errors,
      (select array_agg(worker_id::text order by worker_id) from worker) as sessions
  `;
  const none = (list: string[]) => (list.length > 0 ? list : null);
  const inOrder = <Value>(map: Map<string, Value>) =>
    [...map].toSorted(([a], [b]) => {
      const [id, attempt = 0] = a.split("/").map(Number);
      const [otherId, otherAttempt = 0] = b.split("/").map(Number);
      return id! - otherId! || attempt - otherAttempt;
    });
  expect(rows).toEqual({
    tasks: none(
      inOrder(tasks).map(
        ([id, { attempt, unsettled, worker_id }]) => `${id}/${attempt}/${unsettled}/${worker_id ?? ""}`,
      ),
    ),
    dead: none(inOrder(dead).map(([id, { attempt, reason }]) => `${id}/${attempt}/${reason}`)),
    errors: none(inOrder(errors).map(([key, error]) => `${key}/${error}`)),
    sessions: none([...sessions.keys()].toSorted()),
  });
}

const who = fc.nat(2);
const part = [who, fc.nat(9), fc.integer({ min: 1, max: 4 })] as const;
const insertions = fc
  .tuple(
    fc.constantFrom(...types, "UNKNOWN"),
    fc.constantFrom(-1, 0, 1),
    fc.nat(4).map((one) => one > 0),
    fc.option(fc.constantFrom("k1", "k2"), { freq: 2 }),
    fc.integer({ min: 1, max: 600 }),
  )
  .map((words) => insert(...words));
const pattern = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });
const delays = fc.array(fc.constantFrom(0, 0, 3600, null), { minLength: 1, maxLength: 3 });

const steps = [
  insertions,
  insertions,
  insertions,
  who.map(joinAnew),
  who.map(joinAnew),
  who.map(heartbeat),
  who.map(fallSilent),
  who.map(look),
  fc.tuple(who, pattern).map((words) => claimSome(...words)),
  fc.tuple(who, pattern).map((words) => claimSome(...words)),
  fc.tuple(who, fc.boolean()).map((words) => claimAlone(...words)),
  fc.tuple(who, fc.boolean()).map((words) => claimAlone(...words)),
  fc.constant(null).map(race),
  fc.tuple(...part).map((words) => finishSome(...words)),
  fc.tuple(...part, delays, fc.boolean()).map((words) => failSome(...words)),
  fc.tuple(...part).map((words) => releaseSome(...words)),
  fc.constant(null).map(judge),
  who.map(quit),
  who.map(crash),
  who.map(crash),
];

it("is what the model says, whoever does what and when", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const commands = fc.commands(steps, { maxCommands: 100, size: "max" });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      await empty(sql);
      const workers = await Promise.all(
        [0, 1, 2].map(async (who) => {
          const id = randomUUID();
          await join(sql, id, "model", who);
          return { id, hand: [], lanes: [] };
        }),
      );
      const model: Model = {
        tasks: new Map(),
        dead: new Map(),
        errors: new Map(),
        sessions: new Map(workers.map(({ id }) => [id, { isSilent: false }])),
        workers,
      };
      await fc.asyncModelRun(() => ({ model, real: sql }), commands);
    }),
    { seed, numRuns: 300 },
  );
  console.log(`seed ${seed}`, Object.fromEntries(reached));
  expect([...reached.values()].filter((times) => times > 0)).toHaveLength(16);
});
