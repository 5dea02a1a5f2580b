import { z } from "zod";
import { connect } from "../../app/db.ts";
import { workerEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import { startEngine } from "../../worker/engine/engine.ts";
import { keepHeapSmall } from "../../worker/small-heap.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { fill } from "../support/fill.ts";
import { onTold, tell, told } from "../support/parent.ts";
import { noOpTypes } from "../support/no-op-types.ts";
import { watchStarts } from "../support/starts.ts";

// The worker's entry, with tasks that do nothing.

keepHeapSmall();

const env = workerEnv();
const sql = connect({ ...env, DATABASE_POOL: 2 }, "worker engine");
const heart = connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat");
await Promise.all([sql`select 1`, sql`select 1`, heart`select 1`]);
tell("ready");

onTold("fill", ({ count = 0 }) => void fill(sql, count).then(() => tell("filled")));

const { count: total = Infinity } = await told("go");
const started = watchStarts(total);
const handler = defineHandler({
  params: z.object({ n: z.number().optional() }),
  async run({ params }) {
    started(params.n);
  },
});

const log = Object.assign(createLog("warn", "worker"), { info: countDone() });
const handlers = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
const engine = startEngine({ sql, heart, log, handlers, concurrency: env.WORKER_CONCURRENCY });
await sql.listen("task", engine.wake);

/** The engine's log says "done" for each task whose end is committed; the bench hears how many, every 20 ms. */
function countDone() {
  let count = 0;
  let isTold = true;
  const say = () => {
    isTold = true;
    tell("done", { count });
  };
  return (_line: object, message?: string) => {
    if (message === "joined") tell("joined");
    if (message !== "done") return;
    count += 1;
    if (count === total) tell("all done");
    if (isTold) setTimeout(say, 20);
    isTold = false;
  };
}
