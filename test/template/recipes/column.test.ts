import request from "supertest";
import { expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

it("is shown on the account page, escaped, and is in the user's data", async () => {
  const usrId = await addUser(sql);
  const cookie = await openSession(sql, usrId);
  const show = async () => (await site.get("/account").set("Cookie", cookie).expect(200)).text;
  expect(await show()).toContain("<p>Your plan: free</p>");

  await sql`update usr set plan = 'R&D'`;
  expect(await show()).toContain("<p>Your plan: R&amp;D</p>");
  const data = await site.get("/account/data").set("Cookie", cookie).expect(200);
  expect(data.body).toMatchObject({ plan: "R&D" });
});
