import { beforeEach, describe, expect, it } from "vitest";
import { Permanent } from "../../worker/engine/errors.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const events = () => sql`select event_type, usr_id, data from event order by event_id`;
const sent = { event_type: "MAIL_SENT", usr_id: "7", data: { task_type: "SEND" } };
const isDead = async () => (await sql`select from task_dead`).length > 0;

describe("an event that a handler emits", () => {
  it("is committed with the end of its task, not before", async () => {
    const gate = Promise.withResolvers<void>();
    const send = handler(async ({ emit }) => {
      emit(sent);
      await gate.promise;
    });
    const engine = await runEngine(database, { SEND: send, SILENT: handler(() => {}) });
    await engine.enqueue("SILENT", 3);
    await engine.enqueue("SEND");
    await until("no other task is left", async () => (await sql`select from task`).length === 1);
    expect(await events()).toEqual([]);
    gate.resolve();
    await until("it is done", () => isEmpty(sql));
    expect(await events()).toEqual([sent]);
  });

  it("commits with the handler's own writes, or not at all", async () => {
    const write = (isValid: boolean) =>
      handler(async ({ emit, finish }) => {
        emit(sent);
        await finish((tx) => (isValid ? tx`select` : tx`select 1 / 0`));
      });
    const engine = await runEngine(database, { VALID: write(true), INVALID: write(false) });
    await engine.enqueue("INVALID");
    await until("it has failed", async () => (await sql`select from task_error`).length > 0);
    expect(await events()).toEqual([]);
    await engine.enqueue("VALID");
    await until("it is done", async () => (await sql`select from task`).length === 1);
    expect(await events()).toEqual([sent]);
  });

  it("is dropped when its attempt failed or lost its claim", async () => {
    const other = await addWorker(sql);
    const fail = handler(({ emit }) => {
      emit(sent);
      throw new Error("failed");
    });
    const lose = handler(async ({ emit, task }) => {
      emit(sent);
      await sql`update task set worker_id = ${other}, attempt = attempt + 1 where task_id = ${task.task_id}`;
    });
    const engine = await runEngine(database, { FAIL: fail, LOSE: lose });
    await engine.enqueue("FAIL");
    await engine.enqueue("LOSE");
    await until("both are over", () => engine.lines.filter(({ msg }) => /^(failed|lost)/.test(msg)).length === 2);
    expect(await events()).toEqual([]);
  });

  it("is dropped for the tasks of a batch that another worker has claimed", async () => {
    const worker_id = await addWorker(sql);
    const [kept, lost] = await enqueue(sql, "SEND", 2, { worker_id, attempt: 1 });
    const claim = { attempt: 1, worker_id, event: sent };
    await sql`update task set attempt = 2 where task_id = ${lost!}`;
    const done = [
      { ...claim, task_id: kept! },
      { ...claim, task_id: lost!, event: { event_type: "LOST" } },
    ];
    expect([...(await finish(sql, done))]).toEqual([{ task_id: kept, attempt: 1, is_recorded: true }]);
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
  ])("with the params %j emits TASK_DEAD", async (params, usr_id) => {
    const engine = await runEngine(database, { DIE: handler(() => Promise.reject(new Permanent("failed"))) });
    await engine.enqueue("DIE", 1, { params: sql.json(params) });
    await until("it is dead", isDead);
    expect(await events()).toEqual([{ event_type: "TASK_DEAD", usr_id, data: { task_type: "DIE", task_id: "1" } }]);
  });
});
