import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.ts";
import { enqueue } from "../../support/engine.ts";
import { fuzz } from "../../support/fuzz.ts";
import { bytes, mostly } from "../../support/odd-requests.ts";
import { moveToDead, logInOperator } from "../operators.ts";

const numRuns = 5000;
const token = "sixteen characters";

const { sql } = await createDatabase();
const operator = await logInOperator(sql);
await enqueue(sql, "MAIL", 2, { run_at: new Date(Date.now() + 3600_000) });
await enqueue(sql, "DEAD", 2);
await moveToDead(sql, "DEAD");

const named = fc
  .tuple(
    mostly(fc.constantFrom("MAIL", "DEAD", "1", "2", "3", "999999999999999999"), bytes),
    fc.constantFrom("types/_", "types/_/retry", "tasks/_", "tasks/_/*"),
    mostly(fc.constantFrom("run", "retry", "cancel", "bury"), bytes),
  )
  .map(([name, pattern, action]) => `/ops/${pattern.replace("_", () => name).replace("*", () => action)}`);

it(`gets no 5xx and no hanging response in ${numRuns} requests`, { timeout: 300_000 }, async () => {
  const answered = await fuzz(sql, {
    numRuns,
    right: { field: ["value"] },
    cookies: [operator, operator, ""],
    authorization: `Bearer ${token}`,
    env: { METRICS_TOKEN: token },
    paths: fc.oneof(fc.constantFrom("/ops", "/ops/events", "/metrics"), named),
    tables: ["usr", "session", "operator", "task", "task_dead"],
  });

  for (const answer of ["/metrics 200", "/metrics 401", "/ops 200", "/ops 404", "/ops/events 200"])
    expect([...answered]).toContain(answer);
  const actions = await sql<{ what: string }[]>`
    select distinct data ->> 'what' as what from event where event_type = 'OPERATOR_ACTED'
  `;
  for (const what of ["run", "retry", "cancel", "bury"]) expect(actions).toContainEqual({ what });
});
