import { once } from "node:events";
import { connect as dial, createServer } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { portOf } from "../support/web.ts";

const { sql: direct, url } = await createDatabase();

/** The way to the database, on which the line is cut once, between the execution of the statement that has these words and its answer. */
async function cutAfter(words: string) {
  const { hostname, port } = new URL(url);
  let hasCut = false;
  const server = createServer((client) => {
    const upstream = dial(Number(port), hostname);
    let answersLeft = Infinity;
    client.on("data", (bytes) => {
      // Prepared first: the answer to that is let through.
      if (!hasCut && bytes.includes(words)) answersLeft = 1;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (answersLeft-- > 0) return client.write(bytes);
      hasCut = true;
      upstream.destroy();
      return client.destroy();
    });
    for (const [one, other] of [[client, upstream] as const, [upstream, client] as const])
      one.on("error", () => {}).on("close", () => other.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => server.close());

  const way = Object.assign(new URL(url), { port: String(portOf(server)) });
  const sql = connect({ DATABASE_URL: way.href, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "test");
  cleanUp(() => sql.end({ timeout: 1 }));
  return { sql, hasCut: () => hasCut };
}

beforeEach(() => empty(direct));

describe("a worker that loses the answer", () => {
  it("to its claim still runs the tasks, and no attempt is lost", async () => {
    await enqueue(direct, "WORK", 3);
    const { sql, hasCut } = await cutAfter("with taken");
    const attempts: number[] = [];
    const work = handler(({ task }) => void attempts.push(task.attempt));
    await runEngine({ sql, url }, { WORK: work }, { heartbeatSeconds: 0.2, leaseSeconds: 0.6 });
    await until("the answer is lost", hasCut);
    await until("all are done", () => isEmpty(direct));
    expect(attempts).toEqual([1, 1, 1]);
  });

  it("to its finish repeats it, and does nothing twice", async () => {
    const { sql, hasCut } = await cutAfter("delete from task");
    let starts = 0;
    const engine = await runEngine({ sql, url }, { WORK: handler(() => void (starts += 1)) });
    await engine.enqueue("WORK");
    await until("the answer is lost", hasCut);
    await until("it is logged", () => engine.lines.some(({ task_type }) => task_type === "WORK"));
    expect([starts, await isEmpty(direct)]).toEqual([1, true]);
  });

  it("to a failure repeats it, and counts it once", async () => {
    const { sql, hasCut } = await cutAfter("with fence");
    const engine = await runEngine({ sql, url }, { WORK: handler(() => Promise.reject(new Error("no luck"))) });
    await engine.enqueue("WORK");
    await until("the answer is lost", hasCut);
    await until("it is logged", () => engine.lines.some(({ task_type }) => task_type === "WORK"));
    expect(await direct`select attempt, worker_id, error from task join task_error using (task_id, attempt)`).toEqual([
      { attempt: 1, worker_id: null, error: "no luck" },
    ]);
  });
});
