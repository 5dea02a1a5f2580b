import { beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../support/command.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { moveToDead } from "./operators.ts";

const { sql, url } = await createDatabase();
beforeEach(async () => {
  await empty(sql);
  await sql`truncate event`;
});

const tasks = (...words: string[]) => runCommand(url, "ops/tasks", ...words);
const json = async (...words: string[]) => {
  const { exitCode, output } = await tasks(...words, "--json");
  return { exitCode, result: JSON.parse(output) as unknown };
};
const actions = async () =>
  (
    await sql<
      { usr_id: null; data: { what?: string } }[]
    >`select usr_id, data from event where event_type = 'OPERATOR_ACTED'`
  ).map(({ usr_id, data }) => ({ usr_id, ...data }));

describe("npm run tasks", () => {
  it("shows due, running and stuck tasks", async () => {
    const worker = await addWorker(sql);
    await enqueue(sql, "MAIL", 2, { run_at: new Date(Date.now() - 90_000) });
    await enqueue(sql, "MAIL", 1, { worker_id: worker });
    const { exitCode, output } = await tasks();
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^Oldest due: 1 min 3\d s \(much too late\)/);
    expect(output).toMatch(/^TYPE +DUE +SCHEDULED +RUNNING +RETRYING +DEAD/m);
    expect(output).toMatch(/^MAIL +2 +0 +1 +0 +0 /m);
    expect(output).toMatch(/^elsewhere:1 .*1$/m);
    expect(await json()).toMatchObject({
      exitCode: 0,
      result: {
        total: { due: 2, running: 1 },
        types: [{ task_type: "MAIL", due: 2 }],
        workers: [{ running: { MAIL: 1 } }],
      },
    });
  });

  it("counts due tasks of unknown types", async () => {
    await sql`insert into worker (worker_id, host, pid, task_types) values (gen_random_uuid(), 'here', 1, '{MAIL}')`;
    await enqueue(sql, "LATER", 2);
    await enqueue(sql, "NEVER", 1);
    const { output } = await tasks();
    expect(output).toMatch(/^Oldest due: none \(3 tasks of unknown types are due\)$/m);
    await enqueue(sql, "MAIL");
    expect((await tasks()).output).toMatch(/^Oldest due: [\d.]+ s \(on time; 3 tasks of unknown types are due\)$/m);
    expect(await json()).toMatchObject({ result: { unknownDue: 3, unknownTypes: ["LATER", "NEVER"] } });
  });

  it("list: shows the tasks of a type, in one state or in all", async () => {
    const [due] = await enqueue(sql, "MAIL");
    const [later] = await enqueue(sql, "MAIL", 1, { run_at: new Date(Date.now() + 600_000), attempt: 1 });
    await enqueue(sql, "OTHER");
    expect(await json("list", "--type", "MAIL", "--state", "due")).toMatchObject({
      exitCode: 0,
      result: [{ task_id: due, state: "due", task_type: "MAIL" }],
    });
    expect(await json("list", "--type", "MAIL")).toMatchObject({
      result: [
        { task_id: due, state: "due" },
        { task_id: later, state: "scheduled" },
        { task_id: later, state: "retrying" },
      ],
    });
    expect((await json("list", "--type", "MAIL", "--limit", "1", "--state", "scheduled")).result).toHaveLength(1);
    expect((await tasks("list", "--type", "MAIL")).output).toMatch(new RegExp(`^${due} +due +0 +0`, "m"));
    expect(await json("list", "--type", "NOTHING")).toEqual({ exitCode: 0, result: [] });
  });

  it("prints no control characters of a task, which could steer the terminal", async () => {
    const [id] = await enqueue(sql, "EVIL\u001b[2J", 1, { attempt: 1 });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, ${"line\n\u001b[31mred"})`;
    for (const words of [[], ["show", id!], ["list", "--type", "EVIL\u001b[2J"]])
      expect((await tasks(...words)).output).not.toContain("\u001b");
  });

  it("show: prints params, attempts and errors, and exits 1 for an unknown task", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { params: sql.json({ usr_id: "42" }), attempt: 1 });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, 'no luck')`;
    const { exitCode, output } = await tasks("show", id!);
    expect(exitCode).toBe(0);
    expect(output).toContain('{"usr_id":"42"}');
    expect(output).toMatch(/attempt 1 .*no luck/);
    expect(await json("show", id!)).toMatchObject({
      result: { task_id: id, attempts: [{ attempt: 1, error: "no luck" }] },
    });
    expect(await tasks("show", "404")).toMatchObject({ exitCode: 1 });
  });

  it("retry ID: enqueues a dead task again once, and exits 1 the second time", async () => {
    const [id] = await enqueue(sql, "MAIL");
    await moveToDead(sql, "MAIL");
    const { exitCode, output } = await tasks("retry", id!);
    const [task] = await sql<{ task_id: string }[]>`select task_id from task`;
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: `retry: task ${id}, as task ${task!.task_id}.\n` });
    expect(await tasks("retry", id!)).toMatchObject({ exitCode: 1 });
    expect(await actions()).toEqual([
      { usr_id: null, what: "retry", task_id: id, task_type: "MAIL", new_task_id: task!.task_id },
    ]);
  });

  it("retry --type: enqueues all dead tasks again, and exits 1 when one stays dead or none is dead", async () => {
    await enqueue(sql, "MAIL", 2);
    await moveToDead(sql, "MAIL");
    expect(await tasks("retry", "--type", "MAIL")).toEqual({
      exitCode: 0,
      output: "retry: 2 of 2 dead tasks are enqueued again.\n",
    });
    expect(await tasks("retry", "--type", "MAIL")).toMatchObject({ exitCode: 1 });

    await enqueue(sql, "KEYED", 1, { unique_key: "once" });
    await moveToDead(sql, "KEYED");
    await enqueue(sql, "KEYED", 1, { unique_key: "once" });
    expect(await tasks("retry", "--type", "KEYED")).toMatchObject({ exitCode: 1 });
  });

  it("run, bury and cancel: apply once, and exit 1 the second time", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { run_at: new Date(Date.now() + 600_000) });
    const [other] = await enqueue(sql, "MAIL");
    for (const [verb, task] of [
      ["run", id],
      ["bury", id],
      ["cancel", other],
    ] as const) {
      expect(await tasks(verb, task!)).toMatchObject({ exitCode: 0 });
      expect(await tasks(verb, task!)).toMatchObject({ exitCode: 1 });
    }
    expect(await sql`select from task`).toHaveLength(0);
    expect(await sql`select task_id from task_dead`).toEqual([{ task_id: id }]);
    expect((await actions()).map(({ what }) => what)).toEqual(["run", "bury", "cancel"]);
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
  ])("exits 2 for %j and changes nothing", async (words) => {
    await enqueue(sql, "MAIL");
    expect(await tasks(...words)).toMatchObject({
      exitCode: 2,
      output: expect.stringContaining("npm run tasks") as string,
    });
    expect(await sql`select from task`).toHaveLength(1);
  });
});
