import { beforeEach, expect, it } from "vitest";
import { edit } from "../../app/webhooks/restart.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { emptyWebhooks, enqueueMessages, errorsOf, startDelivery } from "./deliver.ts";
import { addWebhook, startReceiver } from "./receiver.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => emptyWebhooks(sql));

it.each([410, 429, 500])("delivers to the new URL when the old one responds with %i after an edit", async (status) => {
  const [old, other] = [await startReceiver(), await startReceiver()];
  const webhookId = await addWebhook(sql, old.url);
  old.answer = async (response) => {
    await edit(sql, webhookId, { url: other.url, event_types: [], per_second: 10 }, null);
    response.writeHead(status, { "retry-after": "100" }).end();
  };
  await enqueueMessages(sql, webhookId);
  const engine = await startDelivery(database);
  await until("the first attempt has failed", async () => (await errorsOf(sql)).length === 1);
  expect(await sql`select failures, pause_until, last_error from webhook`).toEqual([
    { failures: 0, pause_until: null, last_error: null },
  ]);
  expect(await sql`select from webhook_disabled`).toEqual([]);

  await sql`update task set run_at = now()`;
  engine.wake();
  await until("it is delivered", () => isEmpty(sql));
  expect(other.requests).toHaveLength(1);
});
