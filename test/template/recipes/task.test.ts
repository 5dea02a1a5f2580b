import { expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { runWorker } from "../../support/worker.ts";

const { sql, url } = await createDatabase();

it("logs out one user, with an event, and buries a task without a user", async () => {
  const usr_id = await addUser(sql);
  const other = await addUser(sql, { email: "grace@example.com", password: "twelve engines hum" });
  for (const usrId of [usr_id, usr_id, other]) await openSession(sql, usrId);
  await sql`insert into task (task_type, params) values ('END_SESSIONS', ${sql.json({ usr_id })}), ('END_SESSIONS', '{}')`;
  runWorker(url, "smtp://localhost:9");
  await until("no task is pending", () => isEmpty(sql));

  expect(await sql`select usr_id from session`).toEqual([{ usr_id: other }]);
  expect(await sql`select event_type from event where usr_id = ${usr_id}`).toEqual([{ event_type: "SESSIONS_ENDED" }]);
  expect(await sql`select task_type, params from task_dead`).toEqual([{ task_type: "END_SESSIONS", params: {} }]);
});
