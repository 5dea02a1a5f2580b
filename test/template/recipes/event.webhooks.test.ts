import request from "supertest";
import { expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { until } from "../../support/until.ts";
import { serveApp } from "../../support/web.ts";
import { runWorker } from "../../support/worker.ts";
import { addWebhook, isSigned, secret, startReceiver } from "../../webhooks/receiver.ts";

const { sql, url } = await createDatabase();
const site = request(await serveApp(sql));

it("reaches the registered receiver, signed", async () => {
  const receiver = await startReceiver();
  await addWebhook(sql, receiver.url, { secret, event_types: ["LOGGED_OUT"] });
  runWorker(url, "smtp://localhost:9", { WEBHOOK_ALLOW_PRIVATE: "1" });
  const usr_id = await addUser(sql);
  await site.post("/logout").set("Cookie", await openSession(sql, usr_id));
  const webhook = await until("it has arrived", () => receiver.requests[0]);

  expect(JSON.parse(webhook.body)).toMatchObject({ type: "LOGGED_OUT", data: { usr_id } });
  expect(isSigned(webhook)).toBe(true);
});
