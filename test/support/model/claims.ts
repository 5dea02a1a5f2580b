import { expect } from "vitest";
import { claim, claimSuspect } from "../../../worker/engine/claim.ts";
import { survey } from "../../../worker/engine/find-lanes.ts";
import { claimable, ids, modelledFronts, note, take, types } from "./model.ts";
import { step } from "./step.ts";

export const look = (who: number) =>
  step("survey", [who], async (model, sql) => {
    const lanes = [...(await survey(sql, types))];
    model.workers[who]!.lanes = lanes;
    const fronts = lanes.map((lane) => [lane.task_type, lane.priority, lane.task_id, lane.is_suspect].join());
    expect(fronts.toSorted()).toEqual(modelledFronts(model).toSorted());
  });

export const claimSome = (who: number, pattern: number[]) =>
  step("claim", [who, pattern], async (model, sql) => {
    const worker = model.workers[who]!;
    const lanes = worker.lanes.filter(({ is_suspect }) => !is_suspect);
    const quotas = lanes.map((_, place) => pattern[place % pattern.length]!);
    const expected = model.sessions.has(worker.id)
      ? lanes.flatMap((lane, place) => claimable(model, lane).slice(0, quotas[place]))
      : [];
    expect(ids(await claim(sql, worker.id, lanes, quotas))).toEqual(ids(expected));
    take(worker, expected);
  });

export const claimAlone = (who: number, isFresh: boolean) =>
  step("claim a suspect", [who, isFresh], async (model, sql) => {
    const worker = model.workers[who]!;
    if (isFresh) worker.lanes = [...(await survey(sql, types))];
    const suspect = worker.lanes.find(({ is_suspect }) => is_suspect);
    if (!suspect) return;
    const task = model.tasks.get(suspect.task_id);
    const isFree = task?.worker_id === null && task.unsettled >= 2 && model.sessions.has(worker.id);
    const expected = isFree ? [task] : [];
    note(model, "a suspect taken", expected.length);
    expect(ids(await claimSuspect(sql, worker.id, suspect.task_id))).toEqual(ids(expected));
    take(worker, expected);
  });

/** All workers claim at the same instant: who gets what is open, but each task goes to one of them at most. */
export const race = () =>
  step("race", [], async (model, sql) => {
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
