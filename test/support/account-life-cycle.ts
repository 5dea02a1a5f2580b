import request from "supertest";
import { expect } from "vitest";
import type { Received } from "./smtp.ts";
import { until } from "./until.ts";

const [first, second, third] = ["twelve engines hum", "eleven engines hum", "thirteen engines hum"];

/** Takes an account through its full life cycle, over HTTP and mail. Each person has their own client address. */
export async function runAccountLifeCycle(url: string, mails: Received[], person: number): Promise<void> {
  const email = `person.${person}@example.com`;
  const site = request.agent(url).set("X-Forwarded-For", `192.0.2.${person}`);
  const send = (path: string, fields: object, to: string) =>
    site.post(path).type("form").send(fields).expect(303).expect("Location", to);
  const show = async (path: string) => (await site.get(path).expect(200)).text;
  const mailTo = (address: string, subject: RegExp) =>
    until(`the mail ${subject}`, () =>
      mails.find((mail) => mail.recipients.includes(address) && subject.test(mail.subject ?? "")),
    );
  const tokenTo = async (address: string, subject: RegExp) =>
    /token=([\w-]+)/.exec((await mailTo(address, subject)).text ?? "")![1]!;

  await send("/signup", { email, password: first }, "/signup/sent");
  const welcome = await tokenTo(email, /^Welcome/);
  await show(`/verify?token=${welcome}`);
  await send("/verify", { token: welcome }, "/account");
  expect(await show("/account")).toContain(email);
  expect((await site.get("/account/data").expect(200)).text).toContain(email);
  await site.post("/logout").expect(303);
  await site.get("/account").expect(303).expect("Location", "/login");

  await send("/signup", { email, password: third }, "/signup/sent");
  await mailTo(email, /already have an account/);
  await send("/login", { email, password: first }, "/account");
  await send("/account/password", { new_password: second }, "/account?password-changed");
  await mailTo(email, /password .* was changed/);

  await send("/password/forgot", { email }, "/password/forgot/sent");
  const reset = await tokenTo(email, /Choose a new password/);
  await show(`/password/reset?token=${reset}`);
  await send("/password/reset", { token: reset, password: third }, "/login?reset");
  await send("/login", { email, password: third }, "/account");

  await send("/account/email", { email: `new.${email}` }, "/account/email/sent");
  const change = await tokenTo(`new.${email}`, /Confirm your new email address/);
  await show(`/account/email/confirm?token=${change}`);
  await send("/account/email/confirm", { token: change }, "/account?email-changed");
  expect(await show("/account")).toContain(`new.${email}`);
  await mailTo(email, /email address .* was changed/);

  await send("/account/delete", {}, "/account/deleted");
  await mailTo(`new.${email}`, /is deleted/);
  await site
    .post("/login")
    .type("form")
    .send({ email: `new.${email}`, password: third })
    .expect(422);
}
