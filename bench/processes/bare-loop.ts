import { randomUUID } from "node:crypto";
import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createClaims } from "../../worker/engine/claim.ts";
import { join } from "../../worker/engine/session.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { fill } from "../support/fill.ts";
import { tell, told } from "../support/parent.ts";
import { noOpTypes } from "../support/no-op-types.ts";
import { watchStarts } from "../support/starts.ts";
import { keepHeapSmall } from "../../worker/small-heap.ts";

// The ceiling: the engine's own statements in a bare loop. The next claim is under way while the last one is finished.

keepHeapSmall();

const env = workerEnv();
const sql = connect({ ...env, DATABASE_POOL: 2 }, "bare loop");
await Promise.all([sql`select 1`, sql`select 1`]);
tell("ready");

const { count: filled = 0 } = await told("fill");
await fill(sql, filled);
tell("filled");

const { count: total = 0 } = await told("go");
const started = watchStarts(total);
const handler = defineHandler({ params: z.unknown(), run: () => Promise.resolve() });
const handlers = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
const claims = createClaims({ sql, handlers, concurrency: env.WORKER_CONCURRENCY, breakerRoom: () => Infinity });
const workerId = randomUUID();
await join(sql, { worker_id: workerId, host: "bench", pid: process.pid });

let finishing: Promise<unknown> = Promise.resolve();
for (let done = 0; done < total;) {
  const tasks = await claims.next(workerId, new Map(), env.WORKER_CONCURRENCY);
  if (tasks.length === 0) claims.lanes.expectMore({ isNotified: true });
  await claims.lanes.find();
  for (const _ of tasks) started();
  await finishing;
  finishing = finish(
    sql,
    tasks.map((task) => Object.assign(task, { worker_id: workerId })),
  ).execute();
  done += tasks.length;
}
await finishing;
