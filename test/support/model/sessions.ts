import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { expireLeases, leave, reclaim } from "../../../worker/engine/reclaim.ts";
import { heartbeat as sendHeartbeat, join } from "../../../worker/engine/session.ts";
import { claimSome, find } from "./claims.ts";
import { ids } from "./model.ts";
import { step } from "./step.ts";

const died = "The worker died, or was cut off, before there was an outcome.";
const stopped = "The worker was stopped before there was an outcome.";

export const joinAgain = (who: number) =>
  step("join", [who], async ({ workers, sessions }, sql) => {
    const worker = workers[who]!;
    if (sessions.has(worker.id)) return;
    // It keeps `running`: it must not be able to change tasks of its former session.
    worker.id = randomUUID();
    sessions.set(worker.id, { isSilent: false });
    await join(sql, { worker_id: worker.id, host: "model", pid: who, leaseSeconds: 60 });
  });

export const heartbeat = (who: number) =>
  step("heartbeat", [who], async ({ workers, sessions }, sql) => {
    const session = sessions.get(workers[who]!.id);
    expect(await sendHeartbeat(sql, workers[who]!.id)).toHaveLength(session ? 1 : 0);
    if (session) session.isSilent = false;
  });

export const fallSilent = (who: number) =>
  step("fall silent", [who], async ({ workers, sessions }, sql) => {
    const { id } = workers[who]!;
    await sql`update worker set seen_at = now() - interval '1 hour' where worker_id = ${id}`;
    const session = sessions.get(id);
    if (session) session.isSilent = true;
  });

export const reclaimTasks = () =>
  step("reclaim", [], async ({ sessions, tasks, errors }, sql) => {
    for (const [id, { isSilent }] of sessions) if (isSilent) sessions.delete(id);
    const orphans = [...tasks.values()].filter(({ worker_id }) => worker_id !== null && !sessions.has(worker_id));
    const reclaimer = randomUUID();
    await join(sql, { worker_id: reclaimer, host: "reclaimer", pid: 1 });
    await expireLeases(sql, reclaimer);
    await sql`delete from worker where worker_id = ${reclaimer}`;
    expect(ids(await reclaim(sql))).toEqual(ids(orphans));
    for (const task of orphans) {
      const key = `${task.task_id}/${task.attempt}`;
      if (!errors.has(key)) errors.set(key, died);
      Object.assign(task, { worker_id: null, crashes: task.crashes + 1 });
    }
  });

export const stop = (who: number) =>
  step("leave", [who], async ({ workers, sessions, tasks, errors }, sql) => {
    const { id } = workers[who]!;
    const held = [...tasks.values()].filter(({ worker_id }) => worker_id === id);
    await leave(sql, id, held);
    sessions.delete(id);
    for (const task of tasks.values()) {
      if (task.worker_id !== id) continue;
      const key = `${task.task_id}/${task.attempt}`;
      if (!errors.has(key)) errors.set(key, stopped);
      Object.assign(task, { worker_id: null, crashes: task.crashes + 1 });
    }
  });

/** The worker claims, dies without an outcome, its tasks are reclaimed at once, and it joins again. */
export const crash = (who: number) =>
  step("crash", [who], async (model, sql) => {
    for (const next of [find(who), claimSome(who, [2]), fallSilent(who), reclaimTasks(), joinAgain(who)])
      await next.run(model, sql);
  });
