import { PgBoss } from "pg-boss";
import { receive, send, watchStarts } from "../support/messages.ts";
import { noOpTypes } from "../support/tasks.ts";

// `work()` as its documentation advises for throughput, or with LOOP a bare loop of fetch and complete.

const batchSize = Number(process.env.BATCH);
const connections = Number(process.env.CONNECTIONS);

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: connections, schedule: false });
boss.on("error", (error) => process.stderr.write(`${error.stack}\n`));
await boss.start();
for (const type of noOpTypes) await boss.createQueue(type, { partition: true });
send("ready");

const { count: filled } = await receive("fill");
for (const [place, type] of noOpTypes.entries()) {
  const share = Math.floor((filled + place) / noOpTypes.length);
  for (let left = share; left > 0; left -= 10_000) {
    await boss.insert(
      type,
      Array.from({ length: Math.min(left, 10_000) }, () => ({})),
    );
  }
}
send("filled");

const { count: total } = await receive("go");
const started = watchStarts(total);
const loops = Array.from({ length: connections }, (_, place) => noOpTypes[place % noOpTypes.length]);
await Promise.all(process.env.LOOP ? loops.map(loop) : noOpTypes.map(work));

function work(type) {
  const options = { batchSize, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
  return boss.work(type, options, async (jobs) => {
    for (const _ of jobs) started();
  });
}

/** Starts with one queue, and continues with the others when that is empty. */
async function loop(first) {
  const place = noOpTypes.indexOf(first);
  for (const type of [...noOpTypes.slice(place), ...noOpTypes.slice(0, place)]) {
    for (;;) {
      const jobs = await boss.fetch(type, { batchSize });
      if (jobs.length === 0) break;
      for (const _ of jobs) started();
      await boss.complete(
        type,
        jobs.map(({ id }) => id),
      );
    }
  }
}
