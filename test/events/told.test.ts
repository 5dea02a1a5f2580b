import { beforeEach, describe, expect, it } from "vitest";
import { Permanent } from "../../worker/engine/errors.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, isEmpty, owe, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const events = () => sql`select event_type, usr_id, data from event order by event_id`;
const sent = { event_type: "MAIL_SENT", usr_id: "7", data: { task_type: "SEND" } };
const isDead = async () => (await sql`select from task_dead`).length > 0;

describe("what a handler tells", () => {
  it("is in the feed when its task is gone, and not before", async () => {
    const gate = Promise.withResolvers<void>();
    const send = handler(async ({ emit }) => {
      emit(sent);
      await gate.promise;
    });
    const engine = await runEngine(database, { SEND: send, QUIET: handler(() => {}) });
    await engine.owe("QUIET", 3);
    await engine.owe("SEND");
    await until("it is alone", async () => (await sql`select from task`).length === 1);
    expect(await events()).toEqual([]);
    gate.resolve();
    await until("it is done", () => isEmpty(sql));
    expect(await events()).toEqual([sent]);
  });

  it("commits with its own writes, or not at all", async () => {
    const write = (isWell: boolean) =>
      handler(async ({ emit, finish }) => {
        emit(sent);
        await finish((tx) => (isWell ? tx`select` : tx`select 1 / 0`));
      });
    const engine = await runEngine(database, { WELL: write(true), ILL: write(false) });
    await engine.owe("ILL");
    await until("it has failed", async () => (await sql`select from task_error`).length > 0);
    expect(await events()).toEqual([]);
    await engine.owe("WELL");
    await until("it is done", async () => (await sql`select from task`).length === 1);
    expect(await events()).toEqual([sent]);
  });

  it("is not told by an attempt that failed, or that lost its task", async () => {
    const other = await addWorker(sql);
    const fail = handler(({ emit }) => {
      emit(sent);
      throw new Error("no luck");
    });
    const lose = handler(async ({ emit, task }) => {
      emit(sent);
      await sql`update task set worker_id = ${other}, attempt = attempt + 1 where task_id = ${task.task_id}`;
    });
    const engine = await runEngine(database, { FAIL: fail, LOSE: lose });
    await engine.owe("FAIL");
    await engine.owe("LOSE");
    await until("both are over", () => engine.lines.filter(({ msg }) => /^(failed|lost)/.test(msg)).length === 2);
    expect(await events()).toEqual([]);
  });

  it("is told of those alone in a batch that were still held", async () => {
    const worker_id = await addWorker(sql);
    const [mine, lost] = await owe(sql, "SEND", 2, { worker_id, attempt: 1 });
    const held = { attempt: 1, worker_id, event: sent };
    await sql`update task set attempt = 2 where task_id = ${lost!}`;
    const done = [
      { ...held, task_id: mine! },
      { ...held, task_id: lost!, event: { event_type: "LOST" } },
    ];
    expect([...(await finish(sql, done))]).toEqual([{ task_id: mine, attempt: 1, is_recorded: true }]);
    expect(await events()).toEqual([sent]);
  });
});

describe("a dead task", () => {
  it.each([
    [{ usr_id: "9" }, "9"],
    [{ usr_id: 9 }, "9"],
    [{ usr_id: "0" }, null],
    [{ usr_id: "nine" }, null],
    [{ usr_id: "9".repeat(19) }, null],
    [["usr_id"], null],
    ["usr_id", null],
  ])("with the params %j is told in the feed", async (params, usr_id) => {
    const engine = await runEngine(database, { DIE: handler(() => Promise.reject(new Permanent("no such thing"))) });
    await engine.owe("DIE", 1, { params: sql.json(params) });
    await until("it is dead", isDead);
    expect(await events()).toEqual([{ event_type: "TASK_DEAD", usr_id, data: { task_type: "DIE", task_id: "1" } }]);
  });
});
