import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import { startEngine } from "../../worker/engine/engine.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { onMessage, receive, send, watchStarts } from "../support/messages.ts";
import { enqueueNoOps, noOpTypes } from "../support/tasks.ts";
import { keepHeapSmall } from "../../worker/limits.ts";

// The engine with no-op tasks. It runs from each "go" to the next "stop".

keepHeapSmall();

const env = workerEnv();
onMessage("fill", ({ count = 0 }) => void fillOnce(count));
send("ready");
for (;;) {
  const { count = Infinity } = await receive("go");
  await runUntilStopped(count);
  send("stopped");
}

async function runUntilStopped(total: number): Promise<void> {
  const sql = connect({ ...env, DATABASE_POOL: 2 }, "worker engine");
  const heartbeatSql = connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat");
  await Promise.all([sql`select 1`, sql`select 1`, heartbeatSql`select 1`]);

  const started = watchStarts(total);
  const handler = defineHandler({
    params: z.object({ n: z.number().optional() }),
    async run({ params }) {
      started(params.n);
    },
  });
  const log = Object.assign(createLog("warn", "worker"), { info: countDone(total) });
  const handlers = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
  const engine = startEngine({ sql, heartbeatSql, log, handlers, concurrency: env.WORKER_CONCURRENCY });
  await sql.listen("task", engine.wake);

  await receive("stop");
  await engine.stop();
  await Promise.all([sql.end({ timeout: 1 }), heartbeatSql.end({ timeout: 1 })]);
}

/** The engine logs "done" for each task whose end is committed. */
function countDone(total: number) {
  let count = 0;
  return (_line: object, message?: string) => {
    if (message === "joined") send("joined");
    if (message !== "done") return;
    count += 1;
    if (count === total) send("all done");
  };
}

async function fillOnce(count: number): Promise<void> {
  const sql = connect({ ...env, DATABASE_POOL: 1 }, "bench");
  await enqueueNoOps(sql, count);
  await sql.end();
  send("filled");
}
