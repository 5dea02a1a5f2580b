import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { onTold, tell, told } from "../support/parent.ts";
import { noOpTypes } from "../support/no-op-types.ts";
import { watchStarts } from "../support/starts.ts";

const owe = `
  select graphile_worker.add_jobs(array_agg(
    (($1::text[])[1 + n % 3], '{}', null, null, null, null, null, null)::graphile_worker.job_spec
  ))
  from generate_series(1, $2::int) as n
`;

const preset = {
  worker: {
    connectionString: process.env.DATABASE_URL,
    concurrentJobs: 24,
    maxPoolSize: 26,
    localQueue: { size: Number(process.env.LOCAL_QUEUE) },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger: new Logger(() => () => {}),
  },
};

const utils = await makeWorkerUtils({ preset });
await utils.migrate();
tell("ready");

onTold("fill", ({ count }) => void fill(count));

const { count: total = Infinity } = await told("go");
const started = watchStarts(total);
const handler = ({ n }) => started(n);
const taskList = Object.fromEntries(noOpTypes.map((type) => [type, handler]));
const runner = await run({ preset, taskList, parsedCronItems: [] });
tell("joined");
await runner.promise;

async function fill(count) {
  await utils.withPgClient((client) => client.query(owe, [noOpTypes, count]));
  tell("filled");
}
