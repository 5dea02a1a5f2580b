import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const tagged = (n: number) => `ada+${n}@example.com`;
const tags = Array.from({ length: 20 }, (_, n) => tagged(n));
const post = (path: string, fields: object, cookie = "") =>
  site.post(path).set("Cookie", cookie).set("X-Forwarded-For", "203.0.113.7").type("form").send(fields).expect(303);
const mails = () =>
  sql<{ usr_id: string }[]>`select params ->> 'usr_id' as usr_id from task where params ->> 'usr_id' <> '0'`;
const addUnverified = (email: string) => addOwner(sql, { ...ada, email }, false);

describe("20 addresses of one mailbox, told apart by their +tags", () => {
  it("sign up, and get three welcome mails an hour between them", async () => {
    for (const email of tags) await post("/signup", { ...ada, email });
    expect(await sql`select from usr`).toHaveLength(20);
    expect(
      await sql`
        select ceil(extract(epoch from run_at - now()) / 3600)::int as hours, count(*)::int as mails
        from task group by hours order by hours
      `,
    ).toEqual([0, 1, 2, 3, 4, 5, 6].map((hours) => ({ hours, mails: hours === 6 ? 2 : 3 })));
  });

  it.each(["/verify/resend", "/password/forgot"])("get three mails an hour between them from %s", async (path) => {
    for (const email of tags) await addUnverified(email);
    for (const email of tags) await post(path, { email });
    expect(await mails()).toHaveLength(3);
  });

  it("get three mails an hour between them when an account is moved to them", async () => {
    const cookie = await openSession(sql, await addOwner(sql, { ...ada, email: "grace@example.com" }));
    for (const email of tags) await post("/account/email", { ...ada, email }, cookie);
    expect(await sql`select from task where task_type = 'SEND_EMAIL_CONFIRM_ADDRESS'`).toHaveLength(3);
  });

  it("leave a verified owner three resets an hour", async () => {
    const usr_id = await addOwner(sql);
    for (const email of tags.slice(0, 10)) await addUnverified(email);
    for (const email of tags) await post("/password/forgot", { email });
    await sql`delete from task`;
    for (let time = 0; time < 4; time += 1) await site.post("/password/forgot").send(ada).expect(204);
    expect(await mails()).toEqual(Array.from({ length: 3 }, () => ({ usr_id })));
  });
});

describe("a refused signup under one +tag", () => {
  const refuse = async () =>
    post("/signup/refuse", { token: await addLink(sql, "verify", await addUnverified(tagged(0))) });

  it("stops mails to the whole mailbox for a day, and then lets out three an hour", async () => {
    await refuse();
    await addUnverified(tagged(1));
    await post("/verify/resend", { email: tagged(1) });
    await post("/password/forgot", { email: tagged(1) });
    expect(await mails()).toEqual([]);

    await sql`delete from rate_limit where action = 'mail'`;
    for (const email of tags.slice(2, 8)) await post("/signup", { ...ada, email });
    expect(
      await sql`
        select extract(epoch from run_at - ends_at)::int as seconds, count(*)::int as mails
        from task cross join email_suppression
        where task_type = 'SEND_EMAIL_WELCOME'
        group by seconds order by seconds
      `,
    ).toEqual([
      { seconds: 0, mails: 3 },
      { seconds: 3600, mails: 3 },
    ]);
  });

  it("does not stop the reset of a verified owner", async () => {
    const usr_id = await addOwner(sql);
    await refuse();
    await post("/password/forgot", ada);
    expect(await mails()).toEqual([{ usr_id }]);
  });

  it("stops nothing any more once an address of the mailbox is verified", async () => {
    await refuse();
    const token = await addLink(sql, "verify", await addUnverified(tagged(1)));
    await post("/verify", { token, password: "another good secret" });
    expect(await sql`select from email_suppression`).toEqual([]);
  });
});

describe("mailbox_of", () => {
  it.each([
    ["ada+news@example.com", "ada@example.com"],
    ["ada+a+b@example.com", "ada@example.com"],
    ["ada@example.com", "ada@example.com"],
    ["+news@example.com", "+news@example.com"],
    ["ada@ex+ample.com", "ada@ex+ample.com"],
  ])("finds the mailbox of %s", async (email, mailbox) => {
    expect(await sql`select mailbox_of(${email})`).toEqual([{ mailbox_of: mailbox }]);
  });
});
