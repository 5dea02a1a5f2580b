import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addOwner, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const forgot = (email: unknown) => site.post("/password/forgot").type("form").send({ email });
const owed = () => sql<{ task_type: string; params: object }[]>`select task_type, params from task order by task_id`;
const toUser = (usr_id: string) => ({ task_type: "SEND_EMAIL_PASSWORD_RESET", params: { usr_id } });

describe("POST /password/forgot", () => {
  it("owes the owner a mail", async () => {
    const usrId = await addOwner(sql);
    await forgot(" Ada@Example.com ").expect(303).expect("Location", "/password/forgot/sent");
    expect(await owed()).toEqual([toUser(usrId)]);
  });

  it("does not tell whether there is an account: the same answer, and as many rows are written", async () => {
    await addOwner(sql);
    const seen = async (email: string) => {
      const { status, text, headers } = await forgot(email);
      const names = Object.keys(headers);
      return { status, text, names, location: headers.location as string };
    };
    expect(await seen("nobody@example.com")).toEqual(await seen(ada.email));
    expect(await owed()).toEqual([toUser("0"), toUser("1")]);
  });

  it("answers JSON with 204, and keeps no address in a cookie then", async () => {
    const { headers } = await site.post("/password/forgot").send({ email: ada.email }).expect(204);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it("owes nothing to an address that wants no mail", async () => {
    await addOwner(sql, ada, false);
    await sql`insert into email_suppression (email, ends_at) values (${ada.email}, now() + interval '1 hour')`;
    await forgot(ada.email).expect(303);
    expect(await owed()).toEqual([toUser("0")]);
  });

  it("owes three mails an hour, and the answer does not show it", async () => {
    const usrId = await addOwner(sql);
    for (let time = 0; time < 4; time += 1) await forgot(ada.email).expect(303);
    expect(await owed()).toEqual(Array.from({ length: 3 }, () => toUser(usrId)));

    await sql`update rate_limit set ends_at = now() where action = 'reset mail'`;
    await forgot(ada.email).expect(303);
    expect(await owed()).toHaveLength(4);
  });

  it("owes the owner a mail however often somebody signs up with the address", async () => {
    const usrId = await addOwner(sql);
    for (let time = 0; time < 4; time += 1) await site.post("/signup").type("form").send(ada).expect(303);
    await forgot(ada.email).expect(303);
    expect(await owed()).toContainEqual(toUser(usrId));
  });

  it("takes 20 an hour from one network, then answers 429 with what was entered", async () => {
    const from = () => forgot(ada.email).set("X-Forwarded-For", "2001:db8::1");
    const answers = await Promise.all(Array.from({ length: 20 }, from));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));

    const { text } = await from()
      .set("X-Forwarded-For", "2001:db8::2")
      .expect(429)
      .expect("Retry-After", /^3[56]\d\d$/);
    expect(text).toContain("<title>Error: Forgot your password?");
    expect(text).toContain(`value="${ada.email}"`);
    const json = await site
      .post("/password/forgot")
      .set("X-Forwarded-For", "2001:db8::3")
      .send({ email: ada.email })
      .expect(429);
    expect(json.body).toEqual({ error: expect.stringContaining("Too many tries") as string });
    await forgot(ada.email).set("X-Forwarded-For", "2001:db8:0:1::1").expect(303);
  });

  it.each([
    "",
    "ada",
    "a@example.com\r\nBcc: b@example.com",
    "a\0@example.com",
    ["a@example.com", "b@example.com"],
    { a: 1 },
  ])("refuses the address %j", async (email) => {
    await forgot(email).expect(422);
    await site.post("/password/forgot").send({ email }).expect(422);
    expect(await owed()).toEqual([]);
  });
});

describe("GET /password/forgot/sent", () => {
  it("points to the earlier links when a stranger has used up the three emails of the hour", async () => {
    const usrId = await addOwner(sql);
    for (let time = 0; time < 3; time += 1) await forgot(ada.email).set("X-Forwarded-For", "203.0.113.7").expect(303);
    await forgot(ada.email).set("X-Forwarded-For", "198.51.100.1").expect(303);
    expect(await owed()).toEqual(Array.from({ length: 3 }, () => toUser(usrId)));
    await site.get("/password/forgot/sent").expect(200, /If you have had a link in the last hour, use that one\./);
  });

  it("names the address, which is in no URL", async () => {
    const [cookie = ""] = (await forgot(ada.email)).get("Set-Cookie") ?? [];
    const { text } = await site.get("/password/forgot/sent").set("Cookie", cookie).expect(200);
    expect(text).toContain(ada.email);
    expect((await site.get("/password/forgot/sent").expect(200)).text).not.toContain("@");
  });
});
