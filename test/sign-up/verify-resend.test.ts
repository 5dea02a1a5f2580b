import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addOwner, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const resend = (email: unknown = ada.email) => site.post("/verify/resend").type("form").send({ email });
const owed = () => sql`select task_type, params from task`;

describe("POST /verify/resend", () => {
  it("owes the welcome once more", async () => {
    const usr_id = await addOwner(sql, ada, false);
    await resend(" ADA@example.com").expect(303).expect("Location", "/signup/sent");
    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", params: { usr_id } }]);
  });

  it("owes a verified owner the mail that says so", async () => {
    const usr_id = await addOwner(sql);
    await resend();
    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_ALREADY_REGISTERED", params: { usr_id } }]);
  });

  it("owes nobody's address a mail to nobody, so that it takes as long", async () => {
    await resend();
    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", params: { usr_id: "0" } }]);
  });

  it("owes three an hour, and answers the same to the fourth", async () => {
    await addOwner(sql, ada, false);
    const answers = [await resend(), await resend(), await resend(), await resend()];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await owed()).toHaveLength(3);
  });

  it("takes 20 an hour from one network", async () => {
    const from = (n: number) => resend(`ada.${n}@example.com`).set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 20; n += 1) await from(n).expect(303);
    const { headers } = await from(20).expect(429, /value="ada.20@example.com"/);
    expect(Number(headers["retry-after"])).toBeGreaterThan(3500);
    expect(await owed()).toHaveLength(20);
  });

  it("keeps no address in a cookie for JSON", async () => {
    const { headers } = await site.post("/verify/resend").send({ email: ada.email }).expect(204);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it("refuses what is no address", async () => {
    await resend("ada@example").expect(422, /value="ada@example"/);
    await resend([ada.email, ada.email]).expect(422);
    expect(await owed()).toEqual([]);
  });
});
