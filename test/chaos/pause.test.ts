import { beforeEach, describe, expect, it } from "vitest";
import { chaosWorker, enqueueTasks, type ChaosWorker } from "../support/chaos.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
await sql`create table signature (task_id bigint, attempt smallint)`;

const start = () => chaosWorker(url, "smtp://127.0.0.1:1");
const lost = (worker: ChaosWorker) => worker.logged("lost: no longer held by this attempt, nothing was changed");

beforeEach(async () => {
  await empty(sql);
  await sql`truncate signature`;
});

/** Another worker runs the tasks now; the first one has logged that for each, has joined again and goes on working. */
async function expectToGoOn(first: ChaosWorker, second: ChaosWorker, count: number) {
  await until("the late finishes have failed", () => lost(first).length === count);
  await until("the successor has done them", () => isEmpty(sql));
  expect(first.logged("done")).toEqual([]);
  expect(second.logged("done").map(({ attempt }) => attempt)).toEqual(Array.from({ length: count }, () => 2));
  const error = "The worker died, or was cut off, before there was an outcome.";
  expect(await sql`select attempt, error from task_error`).toEqual(
    Array.from({ length: count }, () => ({ attempt: 1, error })),
  );
  expect(await sql`select from task_dead`).toEqual([]);

  await until("it joins again", () => first.logged("joined").length === 2);
  expect(await second.end()).toBe(0);
  await enqueueTasks(sql, "LAST", { seconds: 0 }, 3);
  await until("it works again", () => first.logged("done").length === 3);
  expect(await first.end()).toBe(0);
  console.log(`${count} late finishes changed nothing`);
}

describe("a worker that is frozen for longer than its lease", () => {
  it("changes nothing when it resumes while its successor runs the tasks", async () => {
    await enqueueTasks(sql, "LAST", { seconds: 2 }, 3);
    await enqueueTasks(sql, "SIGN", { seconds: 2 }, 3);
    const first = start();
    await until("it has begun", () => first.logged("begun").length === 6);
    first.child.kill("SIGSTOP");
    const second = start();
    await until("its successor has begun", () => second.logged("begun").length === 6);
    const running = await sql`select task_id, attempt, worker_id from task order by task_id`;
    first.child.kill("SIGCONT");

    await until("the late finishes have failed", () => lost(first).length === 6);
    expect(await sql`select task_id, attempt, worker_id from task order by task_id`).toEqual(running);
    await expectToGoOn(first, second, 6);
    expect(await sql`select distinct attempt from signature`).toEqual([{ attempt: 2 }]);
  });

  it("changes nothing when it resumes after its successor has done the tasks", async () => {
    await enqueueTasks(sql, "LAST", { seconds: 0.5 }, 3);
    await enqueueTasks(sql, "SIGN", { seconds: 0.5 }, 3);
    const first = start();
    await until("it has begun", () => first.logged("begun").length === 6);
    first.child.kill("SIGSTOP");
    const second = start();
    await until("its successor has done them", () => isEmpty(sql));
    first.child.kill("SIGCONT");

    await expectToGoOn(first, second, 6);
    expect(await sql`select attempt from signature`).toEqual(Array.from({ length: 3 }, () => ({ attempt: 2 })));
  });
});

describe("a worker whose event loop is blocked for longer than its lease", () => {
  it("changes nothing when it resumes", async () => {
    await enqueueTasks(sql, "LAST", { seconds: 0.5 }, 3);
    await enqueueTasks(sql, "BLOCK", { seconds: 4 });
    const first = start();
    // The log does not show it: a blocked process prints nothing.
    await until(
      "it has claimed them",
      async () => (await sql`select from task where worker_id is not null`).length === 4,
    );
    const second = start();

    await expectToGoOn(first, second, 4);
    expect(await sql`select from worker`).toEqual([]);
  });
});
