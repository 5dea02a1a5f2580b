import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { chaosWorker } from "../../support/chaos.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { addWebhook, isSigned, secret, startReceiver } from "../receiver.ts";
import { until } from "../../support/until.ts";

const count = 10_000;
const { sql, url } = await createDatabase();

const start = () =>
  chaosWorker(url, "smtp://localhost:9", { FOLLOW_EVENTS: "1", WEBHOOK_ALLOW_PRIVATE: "1", LOG_LEVEL: "warn" });

it(`has ${count} events processed exactly once by a receiver that keeps ids, though three workers are killed at random`, async () => {
  const receiver = await startReceiver();
  const processed = new Map<string, string>();
  const badlySigned: string[] = [];
  let repeated = 0;
  receiver.answer = async (response, request) => {
    const id = String(request.headers["webhook-id"]);
    if (!isSigned(request)) badlySigned.push(id);
    if (processed.has(id)) repeated += 1;
    else processed.set(id, request.body);
    // What a receiver has to do.
    await delay(Math.random() * 20);
    response.writeHead(200).end();
  };
  await addWebhook(sql, receiver.url, { secret, per_second: 1000 });

  const begun = performance.now();
  const happen = async () => {
    for (let n = 0; n < count; n += 500) {
      await sql`
        insert into event (event_type, usr_id, data)
        select 'SIGNED_UP', n, jsonb_build_object('number', n)
        from generate_series(${n + 1}::int, ${n + 500}::int) as n
      `;
      // The load goes on at this rate while workers are killed.
      await delay(200);
    }
  };
  let kills = 0;
  const liveInTurn = async () => {
    while (performance.now() - begun < 12_000) {
      const worker = start();
      await until(
        "it has joined",
        async () => (await sql`select from worker where pid = ${worker.pid}`).length > 0,
        60,
      );
      // How long the worker lives: the kill must come at any moment.
      await delay(1000 + Math.random() * 2500);
      await worker.end("SIGKILL");
      kills += 1;
    }
  };
  await Promise.all([happen(), liveInTurn(), liveInTurn(), liveInTurn()]);
  console.log(`${processed.size} processed and ${repeated} repeated after ${kills} kills`);
  expect(repeated).toBeGreaterThan(0);

  const survivors = [start(), start(), start()];
  await until("all are processed", async () => processed.size >= count && (await isEmpty(sql)), 200);
  console.log(`${((performance.now() - begun) / 1000).toFixed(1)} s, ${repeated} repeated`);
  await Promise.all(survivors.map((worker) => worker.end("SIGKILL")));

  const numbers = [...processed.values()].map((body) => (JSON.parse(body) as { data: { number: number } }).data.number);
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  expect(badlySigned).toEqual([]);
  expect(await sql`select from task_dead`).toHaveLength(0);
});
