import { beforeEach, describe, expect, it } from "vitest";
import { type } from "./command.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, owe } from "../support/engine.ts";
import { buryAll } from "./operators.ts";

const { sql, url } = await createDatabase();
beforeEach(async () => {
  await empty(sql);
  await sql`truncate event`;
});

const tasks = (...words: string[]) => type(url, "ops/tasks", ...words);
const json = async (...words: string[]) => {
  const { exit, said } = await tasks(...words, "--json");
  return { exit, output: JSON.parse(said) as unknown };
};
const auditLog = async () =>
  (
    await sql<
      { usr_id: null; data: { what?: string } }[]
    >`select usr_id, data from event where event_type = 'OPERATOR_ACTED'`
  ).map(({ usr_id, data }) => ({ usr_id, ...data }));

describe("npm run tasks", () => {
  it("shows due, running and dead tasks", async () => {
    const worker = await addWorker(sql);
    await owe(sql, "MAIL", 2, { run_at: new Date(Date.now() - 90_000) });
    await owe(sql, "MAIL", 1, { worker_id: worker });
    const { exit, said } = await tasks();
    expect(exit).toBe(0);
    expect(said).toMatch(/^Oldest due: 1 min 3\d s \(much too late\)/);
    expect(said).toMatch(/^TYPE +DUE +SCHEDULED +RUNNING +RETRYING +DEAD/m);
    expect(said).toMatch(/^MAIL +2 +0 +1 +0 +0 /m);
    expect(said).toMatch(/^elsewhere:1 .*1$/m);
    expect(await json()).toMatchObject({
      exit: 0,
      output: {
        total: { due: 2, running: 1 },
        types: [{ task_type: "MAIL", due: 2 }],
        workers: [{ running: { MAIL: 1 } }],
      },
    });
  });

  it("counts due tasks of unknown types", async () => {
    await sql`insert into worker (worker_id, host, pid, task_types) values (gen_random_uuid(), 'here', 1, '{MAIL}')`;
    await owe(sql, "LATER", 2);
    await owe(sql, "NEVER", 1);
    const { said } = await tasks();
    expect(said).toMatch(/^Oldest due: none \(3 tasks of unknown types are due\)$/m);
    await owe(sql, "MAIL");
    expect((await tasks()).said).toMatch(/^Oldest due: [\d.]+ s \(on time; 3 tasks of unknown types are due\)$/m);
    expect(await json()).toMatchObject({ output: { unknownDue: 3, unknownTypes: ["LATER", "NEVER"] } });
  });

  it("list: the tasks of a type, in one state or in each", async () => {
    const [due] = await owe(sql, "MAIL");
    const [later] = await owe(sql, "MAIL", 1, { run_at: new Date(Date.now() + 600_000), attempt: 1 });
    await owe(sql, "OTHER");
    expect(await json("list", "--type", "MAIL", "--state", "due")).toMatchObject({
      exit: 0,
      output: [{ task_id: due, state: "due", task_type: "MAIL" }],
    });
    expect(await json("list", "--type", "MAIL")).toMatchObject({
      output: [
        { task_id: due, state: "due" },
        { task_id: later, state: "scheduled" },
        { task_id: later, state: "retrying" },
      ],
    });
    expect((await json("list", "--type", "MAIL", "--limit", "1", "--state", "scheduled")).output).toHaveLength(1);
    expect((await tasks("list", "--type", "MAIL")).said).toMatch(new RegExp(`^${due} +due +0 +0`, "m"));
    expect(await json("list", "--type", "NOTHING")).toEqual({ exit: 0, output: [] });
  });

  it("removes control characters of a task from the output", async () => {
    const [id] = await owe(sql, "EVIL\u001b[2J", 1, { attempt: 1 });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, ${"line\n\u001b[31mred"})`;
    for (const words of [[], ["show", id!], ["list", "--type", "EVIL\u001b[2J"]])
      expect((await tasks(...words)).said).not.toContain("\u001b");
  });

  it("show: params, attempts and errors; 1 when there is none", async () => {
    const [id] = await owe(sql, "MAIL", 1, { params: sql.json({ usr_id: "42" }), attempt: 1 });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, 'no luck')`;
    const { exit, said } = await tasks("show", id!);
    expect(exit).toBe(0);
    expect(said).toContain('{"usr_id":"42"}');
    expect(said).toMatch(/attempt 1 .*no luck/);
    expect(await json("show", id!)).toMatchObject({
      output: { task_id: id, attempts: [{ attempt: 1, error: "no luck" }] },
    });
    expect(await tasks("show", "404")).toMatchObject({ exit: 1 });
  });

  it("retry ID: enqueues a dead task again; 1 the second time", async () => {
    const [id] = await owe(sql, "MAIL");
    await buryAll(sql, "MAIL");
    const { exit, said } = await tasks("retry", id!);
    const [task] = await sql<{ task_id: string }[]>`select task_id from task`;
    expect({ exit, said }).toEqual({ exit: 0, said: `retry: task ${id}, as task ${task!.task_id}.\n` });
    expect(await tasks("retry", id!)).toMatchObject({ exit: 1 });
    expect(await auditLog()).toEqual([
      { usr_id: null, what: "retry", task_id: id, task_type: "MAIL", new_task_id: task!.task_id },
    ]);
  });

  it("retry --type: all that are dead; 1 when some can't be, or none is", async () => {
    await owe(sql, "MAIL", 2);
    await buryAll(sql, "MAIL");
    expect(await tasks("retry", "--type", "MAIL")).toEqual({ exit: 0, said: "retry: 2 of 2 are enqueued again.\n" });
    expect(await tasks("retry", "--type", "MAIL")).toMatchObject({ exit: 1 });

    await owe(sql, "KEYED", 1, { unique_key: "once" });
    await buryAll(sql, "KEYED");
    await owe(sql, "KEYED", 1, { unique_key: "once" });
    expect(await tasks("retry", "--type", "KEYED")).toMatchObject({ exit: 1 });
  });

  it("run, bury and cancel: once each; 1 the second time", async () => {
    const [id] = await owe(sql, "MAIL", 1, { run_at: new Date(Date.now() + 600_000) });
    const [other] = await owe(sql, "MAIL");
    for (const [verb, task] of [
      ["run", id],
      ["bury", id],
      ["cancel", other],
    ] as const) {
      expect(await tasks(verb, task!)).toMatchObject({ exit: 0 });
      expect(await tasks(verb, task!)).toMatchObject({ exit: 1 });
    }
    expect(await sql`select from task`).toHaveLength(0);
    expect(await sql`select task_id from task_dead`).toEqual([{ task_id: id }]);
    expect((await auditLog()).map(({ what }) => what)).toEqual(["run", "bury", "cancel"]);
  });

  it.each([
    [["explode"]],
    [["show"]],
    [["show", "x"]],
    [["show", "1", "2"]],
    [["list"]],
    [["list", "--type", "MAIL", "--state", "lost"]],
    [["list", "--type", "MAIL", "--limit", "0"]],
    [["retry"]],
    [["retry", "1", "--type", "MAIL"]],
    [["cancel", "--type", "MAIL"]],
    [["--frobnicate"]],
    [["--type", "MAIL"]],
  ])("exits 2 for %j, and does nothing", async (words) => {
    await owe(sql, "MAIL");
    expect(await tasks(...words)).toMatchObject({ exit: 2, said: expect.stringContaining("npm run tasks") as string });
    expect(await sql`select from task`).toHaveLength(1);
  });
});
