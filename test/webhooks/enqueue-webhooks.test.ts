import { beforeEach, describe, expect, it } from "vitest";
import { consume } from "../../worker/events/consume.ts";
import { enqueueWebhooks } from "../../worker/webhooks/enqueue-webhooks.ts";
import { createDatabase } from "../support/database.ts";
import { appendEvent, untilReadable } from "../support/feed.ts";
import { addWebhook } from "./receiver.ts";

const { sql } = await createDatabase();
const url = "https://receiver.example.com/hook";

beforeEach(() => sql`truncate task, event, event_consumer, webhook, webhook_disabled restart identity`);

async function oweAll(): Promise<number> {
  await untilReadable(sql);
  return consume(sql, enqueueWebhooks);
}

const pending = () => sql`
  select params ->> 'webhook_id' as webhook_id, params ->> 'message_id' as message_id, params ->> 'type' as type
  from task
  where task_type = 'POST_WEBHOOK'
  order by task_id
`;

describe("the consumer of webhooks", () => {
  it("enqueues each event for each endpoint that wants it, once", async () => {
    const all = await addWebhook(sql, url);
    const some = await addWebhook(sql, url, { event_types: ["TASK_DEAD", "SIGNED_UP"] });
    for (const type of ["SIGNED_UP", "LOGGED_IN"]) await appendEvent(sql, type, { usr_id: 9 });
    expect(await oweAll()).toBe(2);
    expect(await oweAll()).toBe(0);

    expect((await pending()).toSorted((a, b) => String(a.message_id).localeCompare(String(b.message_id)))).toEqual([
      { webhook_id: all, message_id: `msg_1_${all}`, type: "SIGNED_UP" },
      { webhook_id: some, message_id: `msg_1_${some}`, type: "SIGNED_UP" },
      { webhook_id: all, message_id: `msg_2_${all}`, type: "LOGGED_IN" },
    ]);
  });

  it("puts the event into the task, but neither secret nor URL", async () => {
    const webhook_id = await addWebhook(sql, url);
    await appendEvent(sql, "TASK_DEAD", {
      usr_id: 9,
      data: sql.json({ task_type: "SEND_EMAIL_WELCOME", task_id: "3" }),
    });
    await oweAll();
    const [event] = await sql<{ created_at: Date }[]>`select created_at from event`;
    expect(await sql`select params, run_at = created_at as is_due from task`).toEqual([
      {
        params: {
          webhook_id,
          message_id: `msg_1_${webhook_id}`,
          type: "TASK_DEAD",
          timestamp: event!.created_at.toISOString(),
          data: { usr_id: "9", task_type: "SEND_EMAIL_WELCOME", task_id: "3" },
        },
        is_due: true,
      },
    ]);
  });

  it("enqueues nothing for a disabled endpoint", async () => {
    const webhook_id = await addWebhook(sql, url);
    await sql`insert into webhook_disabled (webhook_id, reason) values (${webhook_id}, 'gone')`;
    await appendEvent(sql, "SIGNED_UP");
    await oweAll();
    expect(await pending()).toEqual([]);
  });

  it("enqueues nothing for the death of a delivery", async () => {
    await addWebhook(sql, url);
    await appendEvent(sql, "TASK_DEAD", { data: sql.json({ task_type: "POST_WEBHOOK", task_id: "3" }) });
    expect(await oweAll()).toBe(1);
    expect(await pending()).toEqual([]);
  });

  it("enqueues nothing for a change of an endpoint", async () => {
    await addWebhook(sql, url);
    await addWebhook(sql, url, { event_types: ["WEBHOOK_CHANGED"] });
    await appendEvent(sql, "WEBHOOK_CHANGED", { data: sql.json({ what: "edit", webhook_id: "1" }) });
    expect(await oweAll()).toBe(1);
    expect(await pending()).toEqual([]);
  });

  it("makes the tasks of an endpoint due as far apart as its rate allows, behind earlier ones", async () => {
    await addWebhook(sql, url, { per_second: 4 });
    await sql`insert into event (event_type) select 'SIGNED_UP' from generate_series(1, 3)`;
    await oweAll();
    await appendEvent(sql, "SIGNED_UP");
    await oweAll();
    expect(
      await sql`
        select round(extract(epoch from run_at - min(run_at) over ()), 2)::float8 as seconds from task order by task_id
      `,
    ).toEqual([0, 0.25, 0.5, 0.75].map((seconds) => ({ seconds })));
  });

  it("makes the tasks of a paused endpoint due after the pause", async () => {
    await addWebhook(sql, url, { pause_until: new Date(Date.now() + 3600_000) });
    await appendEvent(sql, "SIGNED_UP");
    await oweAll();
    expect(await sql`select run_at = pause_until as is_later from task, webhook`).toEqual([{ is_later: true }]);
  });
});
