import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const show = (token: string) => site.get("/signup/refuse").query({ token });
const refuse = (token: unknown) => site.post("/signup/refuse").type("form").send({ token });
const post = (path: string) => site.post(path).type("form").send(ada).expect(303);
const users = () => sql`select email from usr`;

describe("«I did not sign up»", () => {
  it("deletes nothing when the link is opened", async () => {
    const token = await addLink(sql, "verify", await addOwner(sql, ada, false));
    await show(token)
      .expect(200, /ada@example\.com/)
      .expect("Cache-Control", "no-store");
    expect(await users()).toHaveLength(1);
  });

  it("deletes the account that nobody has verified, with all its links", async () => {
    const token = await addLink(sql, "verify", await addOwner(sql, ada, false));
    await refuse(token).expect(303).expect("Location", "/signup/refused");
    await site.get("/signup/refused").expect(200);
    expect(await users()).toEqual([]);
    expect(await sql`select from email_token`).toEqual([]);
    await refuse(token).expect(410);
  });

  it("leaves a verified account alone", async () => {
    const token = await addLink(sql, "verify", await addOwner(sql));
    await show(token).expect(410);
    await refuse(token).expect(410);
    expect(await users()).toHaveLength(1);
    expect(await sql`select from email_suppression`).toEqual([]);
  });

  it("keeps mails from the address for a day: a new signup owes its welcome for then", async () => {
    await refuse(await addLink(sql, "verify", await addOwner(sql, ada, false)));
    await post("/signup");
    await post("/signup");
    await post("/verify/resend");
    expect(
      await sql`
        select task_type, run_at = ends_at as is_at_the_end, ends_at > now() + interval '23 hours' as is_a_day
        from task cross join email_suppression
      `,
    ).toEqual([{ task_type: "SEND_EMAIL_WELCOME", is_at_the_end: true, is_a_day: true }]);
  });

  it("keeps no mail from the address after that", async () => {
    await sql`insert into email_suppression (email, ends_at) values (${ada.email}, now() - interval '1 second')`;
    await post("/signup");
    expect(await sql`select from task where run_at <= now()`).toHaveLength(1);
  });

  it.each(["", "nonsense", "%00", "%ff", "x".repeat(5000)])("is of no use with the token %j", async (token) => {
    await site.get(`/signup/refuse?token=${token}`).expect(410);
    await refuse(token).expect(410);
    await refuse([token, token]).expect(410);
  });

  it.each([{ expires_at: new Date(0) }, { email: "before@example.com" }, { purpose: "reset" }])(
    "is of no use with a link with %j",
    async (columns) => {
      const token = await addLink(sql, "verify", await addOwner(sql, ada, false), columns);
      await show(token).expect(410);
      await refuse(token).expect(410);
      expect(await users()).toHaveLength(1);
    },
  );
});
