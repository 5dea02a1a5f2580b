import { randomUUID } from "node:crypto";
import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createClaims } from "../../worker/engine/claim.ts";
import { join } from "../../worker/engine/session.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { receive, send, watchStarts } from "../support/messages.ts";
import { enqueueNoOps, noOpTypes } from "../support/tasks.ts";
import { keepHeapSmall } from "../../worker/limits.ts";

// The ceiling: the engine's statements in a bare loop, which claims the next tasks while the last ones are finished.

keepHeapSmall();

const env = workerEnv();
const sql = connect({ ...env, DATABASE_POOL: 2 }, "bare loop");
await Promise.all([sql`select 1`, sql`select 1`]);
send("ready");

const { count: filled = 0 } = await receive("fill");
await enqueueNoOps(sql, filled);
send("filled");

const { count: total = 0 } = await receive("go");
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
