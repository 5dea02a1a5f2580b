import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { moveToDead, logInOperator, operatorEmail } from "./operators.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  cookie = await logInOperator(sql);
});

const show = (path: string) => site.get(path).set("Cookie", cookie);
const act = (path: string) => site.post(path).set("Cookie", cookie).type("form").send({});
const auditLog = async () =>
  (
    await sql<{ data: object }[]>`
      select data || jsonb_build_object('who', email) as data
      from event
      join usr using (usr_id)
      where event_type = 'OPERATOR_ACTED'
      order by event_id
    `
  ).map(({ data }) => data);
const inTenMinutes = () => new Date(Date.now() + 600_000);

describe("POST /ops/tasks/:id/…", () => {
  it("run: makes a task due, once", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { run_at: inTenMinutes(), attempt: 1 });
    await act(`/ops/tasks/${id}/run`).expect(303).expect("Location", `/ops/tasks/${id}?done`);
    await act(`/ops/tasks/${id}/run`).expect(303).expect("Location", `/ops/tasks/${id}?nothing`);
    expect(await sql`select attempt, run_at <= now() as is_due from task`).toEqual([{ attempt: 1, is_due: true }]);
    expect(await auditLog()).toEqual([{ what: "run", task_id: id, task_type: "MAIL", who: operatorEmail }]);
  });

  it("cancel: deletes the task, and its page still shows who did it", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { worker_id: await addWorker(sql) });
    await act(`/ops/tasks/${id}/cancel`).expect(303).expect("Location", `/ops/tasks/${id}?done`);
    await act(`/ops/tasks/${id}/cancel`).expect(303).expect("Location", `/ops/tasks/${id}?nothing`);
    expect(await sql`select from task`).toHaveLength(0);
    expect(await auditLog()).toEqual([{ what: "cancel", task_id: id, task_type: "MAIL", who: operatorEmail }]);
    expect((await show(`/ops/tasks/${id}`).expect(200)).text).toContain(`cancel, by ${operatorEmail}`);
  });

  it("bury: makes a task dead, once, and emits an event", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { params: sql.json({ usr_id: "42" }), attempt: 3, unique_key: "once" });
    await act(`/ops/tasks/${id}/bury`).expect(303);
    await act(`/ops/tasks/${id}/bury`).expect(303).expect("Location", `/ops/tasks/${id}?nothing`);
    expect(await sql`select task_id, params, attempt, unique_key, reason from task_dead`).toEqual([
      { task_id: id, params: { usr_id: "42" }, attempt: 3, unique_key: "once", reason: "Buried by an operator." },
    ]);
    expect(await sql`select usr_id, data from event where event_type = 'TASK_DEAD'`).toEqual([
      { usr_id: "42", data: { task_id: id, task_type: "MAIL" } },
    ]);
    expect(await auditLog()).toHaveLength(1);
  });

  it("retry: enqueues a dead task once, as a new task", async () => {
    const [id] = await enqueue(sql, "MAIL");
    await moveToDead(sql, "MAIL");
    await Promise.all([1, 2, 3].map(() => act(`/ops/tasks/${id}/retry`).expect(303)));
    const tasks = await sql<{ task_id: string }[]>`select task_id from task`;
    expect(tasks).toHaveLength(1);
    expect(await auditLog()).toEqual([
      { what: "retry", task_id: id, task_type: "MAIL", new_task_id: tasks[0]!.task_id, who: operatorEmail },
    ]);
    expect((await show(`/ops/tasks/${id}`).expect(200)).text).toContain(`href="/ops/tasks/${tasks[0]!.task_id}"`);
  });

  it.each(["/ops/tasks/1/explode", "/ops/tasks/a/run", "/ops/tasks/1/constructor"])(
    "responds 404 to %s",
    async (path) => {
      await act(path).expect(404);
    },
  );

  it("refuses other sites", async () => {
    const [id] = await enqueue(sql, "MAIL");
    await act(`/ops/tasks/${id}/cancel`).set("Sec-Fetch-Site", "cross-site").expect(403);
    expect(await sql`select from task`).toHaveLength(1);
  });
});

describe("POST /ops/types/:type/retry", () => {
  it("enqueues all dead tasks of the type once, and writes one event", async () => {
    await enqueue(sql, "MAIL", 3);
    await moveToDead(sql, "MAIL");
    await enqueue(sql, "OTHER");
    await moveToDead(sql, "OTHER");
    await act("/ops/types/MAIL/retry").expect(303).expect("Location", "/ops/types/MAIL?retried");
    await act("/ops/types/MAIL/retry").expect(303).expect("Location", "/ops/types/MAIL?nothing");
    expect(await sql`select task_type from task`).toEqual([1, 2, 3].map(() => ({ task_type: "MAIL" })));
    expect(await sql`select task_type from task_dead`).toEqual([{ task_type: "OTHER" }]);
    expect(await auditLog()).toEqual([{ what: "retry", task_type: "MAIL", tasks: 3, who: operatorEmail }]);
  });
});

describe("an action of an operator without a fresh proof", () => {
  beforeEach(() => sql`update session set proved_at = now() - interval '16 minutes'`);

  it("is not taken; the pages stay open", async () => {
    const [id] = await enqueue(sql, "MAIL");
    for (const path of [`/ops/tasks/${id}/cancel`, "/ops/types/MAIL/retry", "/ops/tasks/1/explode"]) {
      const { text } = await act(path).expect(403);
      expect(text).toContain("<title>Confirm that it is you");
      expect(text).toContain(`name="to" value="${path}"`);
      await site.post(path).set("Cookie", cookie).send({}).expect(403);
    }
    await show("/ops").expect(200);
    await show(`/ops/tasks/${id}`).expect(200);
    expect(await sql`select from task`).toHaveLength(1);
    expect(await auditLog()).toEqual([]);
  });

  it("is taken after the proof", async () => {
    const [id] = await enqueue(sql, "MAIL");
    const to = `/ops/tasks/${id}/cancel`;
    const proof = { password: "twelve engines hum", to, method: "post" };
    await site.post("/proof").set("Cookie", cookie).type("form").send(proof).expect(307).expect("Location", to);
    await site.post(to).set("Cookie", cookie).type("form").send(proof).expect(303);
    expect(await sql`select from task`).toHaveLength(0);
  });

  it("is 404 for all but operators", async () => {
    await sql`delete from operator`;
    await act("/ops/tasks/1/cancel").expect(404);
  });
});
