import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createDatabase } from "../../../support/database.ts";
import { fuzz } from "../../../support/fuzz.ts";
import { bytes, mostly } from "../../../support/odd-requests.ts";
import { logInOperator } from "../../../ops/operators.ts";

const numRuns = 5000;

const { sql } = await createDatabase();
const operator = await logInOperator(sql);
await sql`insert into webhook (url, secret) values ('https://receiver.example.com/hooks', 'hush')`;

const right = {
  url: ["https://receiver.example.com/hooks", "https://receiver.example.com/\t1"],
  secret: [`whsec_${Buffer.alloc(32, 1).toString("base64")}`, `whsec_${Buffer.alloc(32, 2).toString("base64")}`],
  event_types: ["", "SIGNED_UP MAIL_SENT"],
  per_second: ["1", "0.5"],
};
const named = fc
  .tuple(
    mostly(fc.constantFrom("1", "2", "999999999999999999"), bytes),
    mostly(fc.constantFrom("", "/enable", "/disable", "/test", "/delete", "/rotate"), bytes),
  )
  .map(([id, action]) => `/ops/webhooks/${id}${action}`);

it(`gets no 5xx and no hanging response in ${numRuns} requests`, { timeout: 300_000 }, async () => {
  const answered = await fuzz(sql, {
    numRuns,
    right,
    cookies: [operator, operator, ""],
    paths: fc.oneof(fc.constant("/ops/webhooks"), named),
    tables: ["usr", "email_verified", "session", "operator", "task", "webhook"],
  });

  for (const path of ["/ops/webhooks", "/ops/webhooks/1"]) {
    for (const status of [200, 204, 303, 404, 422]) expect([...answered]).toContain(`${path} ${status}`);
  }
  const actions = await sql<{ what: string }[]>`
    select distinct data ->> 'what' as what from event where event_type = 'WEBHOOK_CHANGED'
  `;
  for (const what of ["register", "edit", "rotate", "disable", "test", "delete"])
    expect(actions).toContainEqual({ what });
});
