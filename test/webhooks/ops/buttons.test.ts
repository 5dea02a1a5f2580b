import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../../support/database.ts";
import { enqueue } from "../../support/engine.ts";
import { logInOperator } from "../../ops/operators.ts";
import { addWebhook, messageFor, webhookChanges } from "../receiver.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { origin: "https://signup.example.com" }));
const url = "https://receiver.example.com/hooks?tenant=7";

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  await sql`delete from webhook`;
  cookie = `__Host-${await logInOperator(sql)}`;
});

const show = () => site.get("/ops/webhooks").set("Cookie", cookie);
const post = (path: string, fields: object = {}) => site.post(path).set("Cookie", cookie).type("form").send(fields);
const registered = () => sql`select url, secret, event_types, per_second from webhook`;

describe("the buttons of an endpoint", () => {
  let id: string;
  beforeEach(async () => {
    id = await addWebhook(sql, url);
  });
  const act = (action: string) => post(`/ops/webhooks/${id}/${action}`);

  it.each(["disable", "test", "delete"])("%s acts once, and writes the audit log", async (action) => {
    await act(action).expect(303).expect("Location", `/ops/webhooks?${action}`);
    await act(action).expect(303).expect("Location", "/ops/webhooks?nothing");
    expect(await webhookChanges(sql)).toEqual([{ data: { what: action, webhook_id: id }, who: "olga@example.com" }]);
  });

  it("enqueue a test event, unless one is pending", async () => {
    await act("test");
    await act("test");
    expect(await sql`select task_type, params - 'timestamp' as params from task`).toEqual([
      {
        task_type: "POST_WEBHOOK",
        params: {
          webhook_id: id,
          message_id: expect.stringMatching(/^msg_test_[\w-]{36}$/) as string,
          type: "TEST",
          data: {},
        },
      },
    ]);
  });

  it("enable a disabled endpoint, and end a pause, once", async () => {
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    await act("disable");
    await sql`update webhook set failures = 5, pause_until = now() + interval '1 hour', line_at = now() + interval '1 hour'`;
    expect((await show()).text).toContain("Disabled by hand.");
    await act("enable").expect("Location", "/ops/webhooks?enable");
    expect(
      await sql`
        select failures, pause_until, line_at <= now() as is_at_once, (select count(*) from webhook_disabled)::int as disabled
        from webhook
      `,
    ).toEqual([{ failures: 0, pause_until: null, is_at_once: true, disabled: 0 }]);
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    expect(await webhookChanges(sql)).toHaveLength(2);
  });

  it("make snoozed deliveries due when a pause ends, at the endpoint's rate", async () => {
    const later = { run_at: new Date(Date.now() + 3600_000) };
    await enqueue(sql, "POST_WEBHOOK", 3, { params: sql.json(messageFor(id)), ...later });
    await enqueue(sql, "POST_WEBHOOK", 1, { params: sql.json(messageFor(`${id}1`)), ...later });
    const waits = async () =>
      (
        await sql<{ seconds: number }[]>`
          select extract(epoch from run_at - min(run_at) over ())::float8 as seconds from task order by run_at
        `
      ).map(({ seconds }) => Math.round(seconds * 10) / 10);
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    expect(await waits()).toEqual([0, 0, 0, 0]);

    await sql`update webhook set failures = 5, pause_until = now() + interval '1 hour'`;
    await act("enable").expect("Location", "/ops/webhooks?enable");
    expect(await waits()).toEqual([0, 0.1, 0.2, expect.closeTo(3600, -2)]);
    expect(await sql`select from task where run_at <= now() + interval '1 s'`).toHaveLength(3);
  });

  it("are 404 for unknown actions, and do nothing for unknown endpoints", async () => {
    await act("explode").expect(404);
    await post("/ops/webhooks/x/delete").expect(404);
    await post("/ops/webhooks/404/delete").expect(303).expect("Location", "/ops/webhooks?nothing");
    expect(await registered()).toHaveLength(1);
  });

  it("need a fresh proof, and so does the form", async () => {
    await sql`update session set proved_at = 'epoch'`;
    for (const action of ["disable", "enable", "test", "edit", "rotate", "delete"]) await act(action).expect(403);
    const { text } = await post("/ops/webhooks", { url, event_types: ["SIGNED_UP", "LOGGED_IN"] }).expect(403);
    expect(text.match(/name="event_types" value="\w+"/g)).toHaveLength(2);
    expect(await registered()).toHaveLength(1);
    expect(await webhookChanges(sql)).toEqual([]);
  });
});
