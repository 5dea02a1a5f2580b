import { expect } from "vitest";
import { claim } from "../../../worker/engine/claim.ts";
import { findLanes } from "../../../worker/engine/lanes.ts";
import { claimable, ids, modelledFronts, take, types } from "./model.ts";
import { step } from "./step.ts";

export const find = (who: number) =>
  step("find lanes", [who], async (model, sql) => {
    const lanes = [...(await findLanes(sql, types))];
    model.workers[who]!.lanes = lanes;
    const fronts = lanes.map((lane) => [lane.task_type, lane.priority, lane.task_id].join());
    expect(fronts.toSorted()).toEqual(modelledFronts(model).toSorted());
  });

export const claimSome = (who: number, pattern: number[]) =>
  step("claim", [who, pattern], async (model, sql) => {
    const worker = model.workers[who]!;
    const { lanes } = worker;
    const quotas = lanes.map((_, place) => pattern[place % pattern.length]!);
    const expected = model.sessions.has(worker.id)
      ? lanes.flatMap((lane, place) => claimable(model, lane).slice(0, quotas[place]))
      : [];
    const claimed = await claim(sql, worker.id, lanes, quotas);
    expect(ids(claimed)).toEqual(ids(expected));
    take(worker, expected, claimed);
  });

/** All workers claim at the same time. Each task goes to at most one of them. */
export const race = () =>
  step("race", [], async (model, sql) => {
    const open = [...(await findLanes(sql, types))];
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
        claims[who]!,
      );
    }
  });
