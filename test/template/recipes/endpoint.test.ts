import request from "supertest";
import { describe, expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

describe("POST /account/greeting", () => {
  it("enqueues one greeting for tomorrow, however often it is sent", async () => {
    const usr_id = await addUser(sql);
    const cookie = await openSession(sql, usr_id);
    const post = () => site.post("/account/greeting").set("Cookie", cookie);
    await post().expect(303).expect("Location", "/account");
    await post().type("json").expect(204);
    expect(
      await sql`
        select task_type, params, run_at = created_at + interval '1 day' as is_tomorrow
        from task
      `,
    ).toEqual([{ task_type: "SEND_EMAIL_GREETING", params: { usr_id }, is_tomorrow: true }]);
  });

  it("has log-in and same-site checks", async () => {
    await site.post("/account/greeting").expect(303).expect("Location", "/login");
    await site.post("/account/greeting").set("Sec-Fetch-Site", "cross-site").expect(403);
    await site.get("/account/greeting").expect(405);
  });
});
