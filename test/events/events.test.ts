import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { newToken } from "../../app/token.ts";
import { deleteUnverified } from "../../worker/tasks/delete-unverified.ts";
import { ada, addLink, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { enqueue, runEngine } from "../support/engine.ts";
import { serveApp } from "../support/web.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const site = request(await serveApp(sql, { passwords }));
beforeEach(() => empty(sql));

const events = () => sql`select event_type, usr_id, data from event order by event_id`;
const event = (event_type: string, data = {}, usr_id = "1") => ({ event_type, usr_id, data });
const post = (path: string, form: object, cookie = "") => site.post(path).set("Cookie", cookie).type("form").send(form);
const other = { ...ada, email: "grace@example.com" };

async function changeAddress(): Promise<string> {
  const [row] = await sql<{ email_change_id: string }[]>`
    insert into email_change (usr_id, old_email, new_email, confirmed_at)
    values (1, ${ada.email}, ${other.email}, null)
    returning email_change_id
  `;
  return row!.email_change_id;
}

describe("the feed", () => {
  it("has one event for the first signup of an address", async () => {
    await post("/signup", ada).expect(303);
    await post("/signup", ada).expect(303);
    expect(await events()).toEqual([event("SIGNED_UP")]);
  });

  it("has one event for a verified address", async () => {
    await addUser(sql, ada, false);
    const token = await addLink(sql, "verify", "1");
    const again = await addLink(sql, "verify", "1");
    await post("/verify", { token, password: "another engine hums" }).expect(303);
    await post("/verify", { token: again, password: "another engine hums" });
    expect(await events()).toEqual([event("EMAIL_VERIFIED")]);
  });

  it("has an event for a log-in, not for a failed one", async () => {
    await addUser(sql);
    await post("/login", { ...ada, password: "not the password" }).expect(422);
    await post("/login", ada).expect(303);
    expect(await events()).toEqual([event("LOGGED_IN")]);
  });

  it("has an event for a changed password", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    await post("/account/password", { new_password: "too short" }, cookie).expect(422);
    await post("/account/password", { new_password: "another engine hums" }, cookie).expect(303);
    expect(await events()).toEqual([event("PASSWORD_CHANGED")]);
  });

  it("has events for a reset password and for the address that the reset verifies", async () => {
    await addUser(sql, ada, false);
    for (let n = 0; n < 2; n += 1) {
      const token = await addLink(sql, "reset", "1");
      await post("/password/reset", { token, password: "another engine hums" }).expect(303);
    }
    expect(await events()).toEqual([event("EMAIL_VERIFIED"), event("PASSWORD_CHANGED"), event("PASSWORD_CHANGED")]);
  });

  it("has events for a changed address, for the unverified account it replaces, and for the revert", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    await addUser(sql, other, false);
    const email_change_id = await changeAddress();
    const token = await addLink(sql, "change", "1", { email_change_id });
    await post("/account/email/confirm", { token }, cookie).expect(303);
    const changed = [
      event("ACCOUNT_DELETED", { because: "another account verified the address" }, "2"),
      event("EMAIL_CHANGED"),
    ];
    expect(await events()).toEqual(changed);

    await addUser(sql, ada, false);
    const back = await addLink(sql, "revert", "1", { email: ada.email, email_change_id });
    await post("/account/email/revert", { token: back }).expect(303);
    expect((await events()).slice(2)).toEqual([
      event("ACCOUNT_DELETED", { because: "another account verified the address" }, "3"),
      event("EMAIL_CHANGED", { because: "reverted" }),
    ]);
  });

  it("has an event for a deleted account, with the reason unless its owner deleted it", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    await post("/account/delete", {}, cookie).expect(303);
    await addUser(sql, ada, false);
    const token = await addLink(sql, "verify", "2");
    await post("/signup/refuse", { token }).expect(303);
    await post("/signup/refuse", { token: newToken().token });

    await addUser(sql, ada, false);
    await sql`update usr set created_at = now() - interval '31 days'`;
    await sql`insert into email_reminded (usr_id, reminded_at) select usr_id, now() - interval '2 days' from usr`;
    await runEngine(database, { DELETE_UNVERIFIED: deleteUnverified(sql) });
    await enqueue(sql, "DELETE_UNVERIFIED");
    await until("it is deleted", async () => (await sql`select from usr`).length === 0);
    expect(await events()).toEqual([
      event("ACCOUNT_DELETED"),
      event("ACCOUNT_DELETED", { because: "refused" }, "2"),
      event("ACCOUNT_DELETED", { because: "never verified" }, "3"),
    ]);
  });
});
