import request from "supertest";
import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.ts";
import { serveApp } from "../../support/web.ts";
import { addWebhook } from "../receiver.ts";

const { sql } = await createDatabase();
const token = "a token for the tests";
const site = request(await serveApp(sql, { env: { METRICS_TOKEN: token } }));

async function scrape() {
  const { text } = await site.get("/metrics").set("Authorization", `Bearer ${token}`).expect(200);
  return text
    .split("\n")
    .filter((line) => /^\w+_webhook_receiver/.test(line))
    .map((line) => line.replace(/^.*?webhook_/, ""));
}

it("GET /metrics counts the receivers by state, and the failures of those that fail", async () => {
  expect(await scrape()).toEqual(["ok", "down", "waiting", "disabled"].map((state) => `receivers{state="${state}"} 0`));

  await addWebhook(sql, "https://ok.example.com");
  const failed = await addWebhook(sql, "https://failed.example.com", { failures: 2 });
  const down = await addWebhook(sql, "https://down.example.com", { failures: 7, pause_until: new Date(0) });
  await addWebhook(sql, "https://busy.example.com", { pause_until: new Date(Date.now() + 60_000) });
  const gone = await addWebhook(sql, "https://gone.example.com");
  await sql`insert into webhook_disabled (webhook_id, reason) values (${gone}, 'The receiver responded with 410.')`;
  expect(await scrape()).toEqual([
    'receivers{state="ok"} 2',
    'receivers{state="down"} 1',
    'receivers{state="waiting"} 1',
    'receivers{state="disabled"} 1',
    `receiver_failures{webhook_id="${failed}"} 2`,
    `receiver_failures{webhook_id="${down}"} 7`,
  ]);

  await sql`
    insert into webhook (url, secret, failures)
    select 'https://receiver.example.com', 'hush ' || n, 1
    from generate_series(1, 200) as n
  `;
  expect((await scrape()).filter((line) => line.startsWith("receiver_failures"))).toHaveLength(100);
});
