import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { logInOperator } from "./operators.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  cookie = await logInOperator(sql);
});

const show = (path: string) => site.get(path).set("Cookie", cookie);
const inTenMinutes = () => new Date(Date.now() + 600_000);

describe("the operations pages", () => {
  it.each([
    ["get", "/ops"],
    ["get", "/ops/events"],
    ["get", "/ops/types/MAIL"],
    ["get", "/ops/tasks/1"],
    ["post", "/ops/tasks/1/cancel"],
    ["post", "/ops/types/MAIL/retry"],
  ] as const)("are 404 for all but operators: %s %s", async (method, path) => {
    await enqueue(sql, "MAIL", 1);
    const unknown = await site.get("/nowhere").expect(404);
    const owner = await openSession(sql, await addUser(sql));
    for (const other of ["", "session=nonsense", owner]) {
      const { text } = await site[method](path).set("Cookie", other).expect(404);
      expect(text.replaceAll(/<nav>[^]*<\/nav>/g, "")).toBe(unknown.text.replaceAll(/<nav>[^]*<\/nav>/g, ""));
    }
    expect(await sql`select from task`).toHaveLength(1);

    await sql`delete from operator`;
    await site[method](path).set("Cookie", cookie).expect(404);
  });

  it("are linked from an operator's account page, and from no other", async () => {
    for (const path of ["/account", "/"]) expect((await show(path)).text).toContain('href="/ops"');
    const owner = await openSession(sql, await addUser(sql));
    expect((await site.get("/account").set("Cookie", owner)).text).not.toContain("/ops");
  });
});

describe("a type with a NUL in its name", () => {
  it("is 404, to show and to retry", async () => {
    await show("/ops/types/%00").expect(404);
    await show("/ops/types/MAIL%00").expect(404);
    await site.post("/ops/types/%00/retry").set("Cookie", cookie).expect(404);
  });
});

describe("GET /ops", () => {
  it("shows the pending tasks, how late they are, and the latest events", async () => {
    await enqueue(sql, "MAIL", 3, { run_at: new Date(Date.now() - 90_000) });
    await sql`insert into event (event_type, usr_id, data) values ('MAIL_SENT', 7, '{"task_id": "12"}')`;
    await addWorker(sql, 70);
    await sql`insert into event_consumer (name, seen_at) values ('audit', now() - interval '70 s')`;
    // Another test's transaction may hold the feed up for a moment.
    const text = await until("the event is shown", async () => {
      const response = await show("/ops").expect(200).expect("Cache-Control", "no-store");
      return response.text.includes("MAIL_SENT") ? response.text : undefined;
    });
    expect(text).toMatch(/class="latency bad"[^]*1 min [345]\d s[^]*much too late/);
    expect(text).toContain("<dt>Due</dt><dd>3</dd>");
    expect(text).toContain("No worker is alive");
    expect(text).toContain("ago, dead");
    expect(text).toMatch(/MAIL_SENT, user 7, task_id 12/);
    expect(text).toMatch(/audit<\/th>\s*<td[^>]*>1<\/td>[^]*1 min [1-5]\d s ago/);
  });

  it.each([
    [-1, "fine", "on time"],
    [-20, "late", "late"],
    [-100, "bad", "much too late"],
    [100, "fine", "no task is due"],
  ])("shows a task due in %i s as %s", async (seconds, level, words) => {
    await enqueue(sql, "MAIL", 1, { run_at: new Date(Date.now() + seconds * 1000) });
    // The page may be a second old.
    const text = await until("it is shown", async () => {
      const response = await show("/ops").expect(200);
      return response.text.includes(`<span>${words}</span>`) ? response.text : undefined;
    });
    expect(text).toContain(`class="latency ${level}"`);
  });

  it("counts due tasks of unknown types, and shows no dash for a figure", async () => {
    await sql`insert into worker (worker_id, host, pid, task_types) values (gen_random_uuid(), 'here', 1, '{MAIL}')`;
    await enqueue(sql, "LATER", 2);
    const text = await until("it is shown", async () => {
      const response = await show("/ops").expect(200);
      return response.text.includes("LATER") ? response.text : undefined;
    });
    expect(text).toMatch(
      /class="latency late"[^]*<strong>None<\/strong> <span>2 tasks of unknown types are due<\/span>/,
    );
    expect(text).toMatch(/No live worker has a handler for LATER/);
  });

  it("escapes what a task contains", async () => {
    const evil = "<script>alert(1)</script>/?#'\"";
    const [id] = await enqueue(sql, evil, 1, { attempt: 1, params: sql.json({ evil }) });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, ${evil})`;
    const overview = await until("it is shown", async () => {
      const { text } = await show("/ops").expect(200);
      return text.includes("&lt;script") ? text : undefined;
    });
    const link = /href="(\/ops\/types\/[^"]*)"/.exec(overview)![1]!;
    const type = (await show(link).expect(200)).text;
    const task = (await show(`/ops/tasks/${id}`).expect(200)).text;
    for (const text of [overview, type, task]) {
      expect(text).not.toContain("<script>alert");
      expect(text).toContain("&lt;script&gt;alert");
    }
  });
});

describe("GET /ops/types/:type", () => {
  it("lists the first tasks of each state, with their last errors", async () => {
    const worker = await addWorker(sql);
    const [due] = await enqueue(sql, "MAIL", 1, { attempt: 2 });
    await enqueue(sql, "MAIL", 25, { run_at: inTenMinutes() });
    const [running] = await enqueue(sql, "MAIL", 1, { worker_id: worker });
    await sql`
      insert into task_error (task_id, attempt, error)
      values (${due!}, 1, 'the first'), (${due!}, 2, 'the second')
    `;
    const { text } = await show("/ops/types/MAIL").expect(200);
    expect(text).toContain(`/ops/tasks/${due}"`);
    expect(text).toContain(`/ops/tasks/${running}"`);
    expect(text).toContain("the second");
    expect(text).not.toContain("the first");
    expect(text).toContain("The first 20 of 25.");
  });

  it("says so when there is no task of the type", async () => {
    expect((await show("/ops/types/NOTHING").expect(200)).text).toContain("No task of this type");
  });
});

describe("GET /ops/tasks/:id", () => {
  it("shows params, attempts and errors", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { params: sql.json({ usr_id: "42" }), attempt: 1 });
    await sql`insert into task_error (task_id, attempt, error) values (${id!}, 1, 'no luck')`;
    const { text } = await show(`/ops/tasks/${id}`).expect(200);
    expect(text).toContain("&#34;usr_id&#34;: &#34;42&#34;");
    expect(text).toMatch(/<li value="1">[^]*no luck/);
  });

  it.each(["0", "404", "-1", "1e3", "9".repeat(18), "9".repeat(40), "a"])("is 404 for %s", async (id) => {
    await show(`/ops/tasks/${id}`).expect(404);
  });
});
