import request from "supertest";
import { expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

it("inserts an event with the end of a session, and the account page shows it", async () => {
  const usr_id = await addUser(sql);
  const [one, other] = [await openSession(sql, usr_id), await openSession(sql, usr_id)];
  await site.post("/logout").set("Cookie", one).expect(303);
  await site.post("/logout").set("Cookie", one).expect(303);
  expect(await sql`select event_type, usr_id from event`).toEqual([{ event_type: "LOGGED_OUT", usr_id }]);

  await site.get("/account").set("Cookie", one).expect(303);
  const { text } = await site.get("/account").set("Cookie", other).expect(200);
  expect(text).toContain('<th scope="row">You logged out</th>');
});
