import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const show = (token: string) => site.get("/signup/refuse").query({ token });
const refuse = (token: unknown) => site.post("/signup/refuse").type("form").send({ token });
const users = () => sql`select email from usr`;

describe("the link 'I did not sign up'", () => {
  it("deletes nothing when the link is opened", async () => {
    const token = await addLink(sql, "verify", await addUser(sql, ada, false));
    await show(token)
      .expect(200, /ada@example\.com/)
      .expect("Cache-Control", "no-store");
    expect(await users()).toHaveLength(1);
  });

  it("deletes the unverified account and all its links", async () => {
    const token = await addLink(sql, "verify", await addUser(sql, ada, false));
    await refuse(token).expect(303).expect("Location", "/signup/refused");
    await site.get("/signup/refused").expect(200);
    expect(await users()).toEqual([]);
    expect(await sql`select from email_token`).toEqual([]);
    await refuse(token).expect(410);
  });

  it("leaves a verified account alone", async () => {
    const token = await addLink(sql, "verify", await addUser(sql));
    await show(token).expect(410);
    await refuse(token).expect(410);
    expect(await users()).toHaveLength(1);
    expect(await sql`select from email_suppression`).toEqual([]);
  });

  it("suppresses mails to the mailbox for a day, again after a second refusal", async () => {
    const person = { ...ada, email: "ada+news@example.com" };
    for (let time = 0; time < 2; time += 1) {
      await sql`update email_suppression set ends_at = now()`;
      await refuse(await addLink(sql, "verify", await addUser(sql, person, false))).expect(303);
      expect(await sql`select email, ends_at > now() + interval '23 hours' as is_a_day from email_suppression`).toEqual(
        [{ email: ada.email, is_a_day: true }],
      );
    }
    expect(await sql`select distinct event_type, data from event`).toEqual([
      { event_type: "ACCOUNT_DELETED", data: { because: "refused" } },
    ]);
  });

  it.each(["", "nonsense", "%00", "%ff", "x".repeat(5000)])("refuses the token %j", async (token) => {
    await site.get(`/signup/refuse?token=${token}`).expect(410);
    await refuse(token).expect(410);
    await refuse([token, token]).expect(410);
  });

  it.each([{ expires_at: new Date(0) }, { email: "before@example.com" }, { purpose: "reset" }, { usr_version: -1 }])(
    "is of no use with a link with %j",
    async (columns) => {
      const token = await addLink(sql, "verify", await addUser(sql, ada, false), columns);
      await show(token).expect(410);
      await refuse(token).expect(410);
      expect(await users()).toHaveLength(1);
    },
  );
});
