import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { onMessage, receive, send, watchStarts } from "../support/messages.ts";
import { noOpTypes } from "../support/tasks.ts";

// As its documentation advises for throughput; it runs from each "go" to the next "stop".

const enqueue = `
  select graphile_worker.add_jobs(array_agg(
    (($1::text[])[1 + n % 3], '{}', null, null, null, null, null, null)::graphile_worker.job_spec
  ))
  from generate_series(1, $2::int) as n
`;

const preset = {
  worker: {
    connectionString: process.env.DATABASE_URL,
    concurrentJobs: 24,
    maxPoolSize: Number(process.env.CONNECTIONS),
    localQueue: { size: Number(process.env.LOCAL_QUEUE) },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger: new Logger(() => () => {}),
  },
};

await withUtils((utils) => utils.migrate());
onMessage("fill", ({ count }) => void fill(count));
send("ready");
for (;;) {
  const { count = Infinity } = await receive("go");
  await runUntilStopped(count);
  send("stopped");
}

async function runUntilStopped(total) {
  const started = watchStarts(total);
  const handler = ({ n }) => started(n);
  const taskList = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
  const runner = await run({ preset, taskList, parsedCronItems: [] });
  send("joined");

  await receive("stop");
  await runner.stop();
}

async function fill(count) {
  await withUtils((utils) => utils.withPgClient((client) => client.query(enqueue, [noOpTypes, count])));
  send("filled");
}

async function withUtils(use) {
  const utils = await makeWorkerUtils({ preset });
  await use(utils);
  await utils.release();
}
