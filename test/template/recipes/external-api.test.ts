import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { expect, it } from "vitest";
import { addUser } from "../../support/accounts.ts";
import { cleanUp } from "../../support/clean-up.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { portOf } from "../../support/web.ts";
import { runWorker } from "../../support/worker.ts";

const { sql, url } = await createDatabase();

/** A billing service that keeps the headers of its requests. Its first response is lost. */
async function startBilling() {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer(({ headers }, response) => {
    requests.push(headers);
    if (requests.length === 1) response.destroy();
    else response.writeHead(requests.length === 2 ? 503 : 201).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, url: `http://127.0.0.1:${portOf(server)}/customers` };
}

it("sends one idempotency key in all attempts", async () => {
  const billing = await startBilling();
  const usr_id = await addUser(sql);
  await sql`insert into task (task_type, params) values ('CREATE_CUSTOMER', ${sql.json({ usr_id })})`;
  runWorker(url, "smtp://localhost:9", { BILLING_URL: billing.url });
  await until("it is done", async () => {
    // Instead of waiting for the back-off.
    await sql`update task set run_at = now() where worker_id is null and run_at > now()`;
    return isEmpty(sql);
  });

  expect(billing.requests.map((headers) => headers["idempotency-key"])).toEqual(Array(3).fill(`customer-${usr_id}`));
  expect(await sql`select attempt, error from task_error order by attempt`).toEqual([
    { attempt: 1, error: "fetch failed" },
    { attempt: 2, error: "The billing service responded with 503." },
  ]);
});
