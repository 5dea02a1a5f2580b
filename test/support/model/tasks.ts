import { expect } from "vitest";
import type { Sql } from "../../../app/db/connect.ts";
import { finish, giveBack } from "../../../worker/engine/outcomes.ts";
import { ids, note, type Model, type Task, type Worker } from "./model.ts";
import { step } from "./step.ts";

export const insert = (type: string, priority: number, isDue: boolean, key: string | null, minutesAgo: number) =>
  step("insert", [type, priority, isDue, key, minutesAgo], async ({ tasks }, sql) => {
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
    const row = { task_id, task_type: type, priority, unique_key: key, attempt: 0, crashes: 0, worker_id: null };
    tasks.set(task_id, { ...row, run_at, is_due: isDue });
  });

export const finishSome = (who: number, from: number, count: number) =>
  step("finish", [who, from, count], async (model, sql) => {
    const { all, current } = splitRunning(model, who, from, count);
    expect(ids(await finish(sql, all))).toEqual(ids(current));
    for (const { task_id } of current) model.tasks.delete(task_id);
  });

export const failSome = (who: number, from: number, count: number, delays: (number | null)[], isRefused: boolean) =>
  step("fail", [who, from, count, delays, isRefused], async (model, sql) => {
    const { all, current } = splitRunning(model, who, from, count);
    const failures = all.map((one, place) => {
      const delay_seconds = delays[place % delays.length]!;
      const is_dead = delay_seconds === null;
      return {
        ...one,
        error: `error of ${one.attempt}`,
        delay_seconds,
        is_dead,
        is_counted: !(isRefused && is_dead),
        crashes: 0,
      };
    });
    expect(ids(await giveBack(sql, failures))).toEqual(ids(current));

    for (const { task_id, attempt, error, delay_seconds, is_counted } of failures) {
      const task = current.find((task) => task.task_id === task_id && task.attempt === attempt);
      if (!task) continue;
      if (is_counted) model.errors.set(`${task_id}/${attempt}`, error);
      if (delay_seconds === null) {
        model.tasks.delete(task_id);
        model.dead.set(task_id, { attempt: attempt - Number(!is_counted), reason: error });
        continue;
      }
      const { run_at } = await rowOf(sql, task_id);
      Object.assign(task, { worker_id: null, crashes: 0, run_at, is_due: delay_seconds === 0 });
    }
  });

export const releaseSome = (who: number, from: number, count: number) =>
  step("release", [who, from, count], async (model, sql) => {
    const { all, current } = splitRunning(model, who, from, count);
    const untried = { error: null, delay_seconds: null, is_dead: false, is_counted: false };
    const given = all.map((one) => ({ ...one, ...untried, crashes: model.tasks.get(one.task_id)?.crashes ?? 0 }));
    expect(ids(await giveBack(sql, given))).toEqual(ids(current));
    for (const task of current) {
      const { run_at } = await rowOf(sql, task.task_id);
      Object.assign(task, { worker_id: null, attempt: task.attempt - 1, run_at });
    }
  });

/** Takes part of what a worker believes to run; `current` of that is what it does run. */
function splitRunning(
  model: Model,
  who: number,
  from: number,
  count: number,
): { all: Worker["running"]; current: Task[] } {
  const { running } = model.workers[who]!;
  const all = running.splice(from % Math.max(running.length, 1), count);
  const current = all.flatMap(({ task_id, attempt, worker_id }) => {
    const task = model.tasks.get(task_id);
    return task?.attempt === attempt && task.worker_id === worker_id ? [task] : [];
  });
  note(model, "a late outcome", all.length - current.length);
  return { all, current };
}

async function rowOf(sql: Sql, taskId: string): Promise<{ run_at: number }> {
  const [row] = await sql<{ run_at: number }[]>`
    select extract(epoch from run_at)::float8 as run_at from task where task_id = ${taskId}
  `;
  return row!;
}
