import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, meet, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const newEmail = "countess@example.com";
let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addOwner(sql);
  cookie = await openSession(sql, usrId);
});

async function askFor(new_email = newEmail, columns: object = {}): Promise<string> {
  const [change] = await sql<{ email_change_id: string }[]>`
    insert into email_change (usr_id, old_email, new_email)
    values (${usrId}, ${ada.email}, ${new_email})
    returning email_change_id
  `;
  return addLink(sql, "change", usrId, { ...change, email: new_email, ...columns });
}
const show = (token: string, as = cookie) => site.get("/account/email/confirm").query({ token }).set("Cookie", as);
const confirm = (token: unknown, as = cookie) =>
  site.post("/account/email/confirm").set("Cookie", as).type("form").send({ token });
const logOutEverywhere = () => site.post("/account/sessions/end-all").set("Cookie", cookie);
const email = async () => (await sql<{ email: string }[]>`select email from usr where usr_id = ${usrId}`)[0]?.email;

describe("GET /account/email/confirm", () => {
  it("asks, and changes nothing", async () => {
    const { text } = await show(await askFor()).expect(200);
    expect(text).toContain(newEmail);
    expect(await email()).toBe(ada.email);
  });

  it("sends who is not logged in to do that, and says that the link is to be opened again", async () => {
    const token = await askFor();
    await show(token, "").expect(303).expect("Location", "/login?link");
    expect((await site.get("/login?link").expect(200)).text).toContain("open the link in your mail once more");
  });
});

describe("POST /account/email/confirm", () => {
  it("moves the account, and owes the old address a mail", async () => {
    const token = await askFor();
    await confirm(token).expect(303).expect("Location", "/account?email-changed");
    expect(await email()).toBe(newEmail);
    expect(await sql`select task_type, params from task`).toEqual([
      { task_type: "SEND_EMAIL_ADDRESS_CHANGED", params: { email_change_id: "1" } },
    ]);
    expect(await sql`select confirmed_at is not null as done from email_change`).toEqual([{ done: true }]);
  });

  it("goes on in this browser under a new token; other sessions, links and changes end", async () => {
    const other = await openSession(sql, usrId);
    await addLink(sql, "reset", usrId);
    await addLink(sql, "revert", usrId);
    const second = await askFor("third@example.com");
    const token = await askFor();
    const answer = await confirm(token);
    const next = (answer.get("Set-Cookie") ?? []).join().split(";")[0]!;

    await site.get("/account").set("Cookie", next).expect(200);
    await site.get("/account").set("Cookie", cookie).expect(303);
    await site.get("/account").set("Cookie", other).expect(303);
    await confirm(second, next).expect(410);
    await confirm(token, next).expect(410);
    expect(await sql`select purpose from email_token`).toEqual([{ purpose: "revert" }]);
    expect(await sql`select new_email from email_change`).toEqual([{ new_email: newEmail }]);
  });

  it("hands the account to nobody who only has the link: an address with a typo is a stranger's", async () => {
    const token = await askFor();
    const stranger = await openSession(sql, await addOwner(sql, { ...ada, email: "grace@example.com" }));
    await show(token, stranger).expect(410, /logged in as grace@example\.com/);
    await confirm(token, stranger).expect(410);
    await confirm(token, "").expect(303).expect("Location", "/login?link");
    await site.post("/account/email/confirm").send({ token }).expect(401);
    expect(await email()).toBe(ada.email);
    await confirm(token).expect(303);
  });

  it.each([
    ["has expired", { expires_at: new Date(0) }],
    ["was for another purpose", { purpose: "revert" }],
  ])("changes nothing when the link %s", async (_, columns) => {
    const token = await askFor(newEmail, columns);
    await show(token).expect(410);
    await confirm(token).expect(410);
    expect(await email()).toBe(ada.email);
  });

  it("changes nothing when the account has another address by now", async () => {
    const token = await askFor();
    await sql`update usr set email = 'third@example.com'`;
    await confirm(token, await openSession(sql, usrId)).expect(410);
    expect(await email()).toBe("third@example.com");
  });

  it.each([undefined, "", "nonsense", ["a", "b"]])("has no use for the token %j", async (token) => {
    await confirm(token).expect(410);
  });

  it("lets mails to the new address go out again", async () => {
    await sql`insert into mail_stop (email, ends_at) values (${newEmail}, now() + interval '1 hour')`;
    await confirm(await askFor()).expect(303);
    expect(await sql`select from mail_stop`).toEqual([]);
  });

  it("takes the address from an account that never verified it", async () => {
    await addOwner(sql, { ...ada, email: newEmail }, false);
    await confirm(await askFor()).expect(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: newEmail }]);
  });

  it("changes nothing when the address has become another's", async () => {
    await addOwner(sql, { ...ada, email: newEmail });
    const token = await askFor();
    const { text } = await confirm(token).expect(409);
    expect(text).toContain("This address has another account now");
    const answer = await site.post("/account/email/confirm").set("Cookie", cookie).send({ token }).expect(409);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) as string });
    expect(await email()).toBe(ada.email);
    expect(await sql`select from task`).toHaveLength(0);
    await site.get("/account").set("Cookie", cookie).expect(200);
  });
});

describe("a confirmation that meets", () => {
  it("itself: it works once", async () => {
    const token = await askFor();
    const answers = await meet(sql, usrId, [() => confirm(token), () => confirm(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await sql`select from task`).toHaveLength(1);
  });

  it("that of another address: the first wins", async () => {
    const [one, two] = [await askFor(), await askFor("third@example.com")];
    const answers = await meet(sql, usrId, [() => confirm(one), () => confirm(two)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(newEmail);
  });

  it("a reset before it: the link ends with the session", async () => {
    const token = await askFor();
    const link = await addLink(sql, "reset", usrId);
    const reset = () =>
      site.post("/password/reset").type("form").send({ token: link, password: "another good secret" });
    const answers = await meet(sql, usrId, [reset, () => confirm(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("a reset that saw neither its session nor its link: a session of the old password does nothing any more", async () => {
    const link = await addLink(sql, "reset", usrId);
    const reset = () =>
      site.post("/password/reset").type("form").send({ token: link, password: "another good secret" });
    const beginAndConfirm = async () => confirm(await askFor(), await openSession(sql, usrId));
    const answers = await meet(sql, usrId, [reset, beginAndConfirm], sql`for no key update`);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("the end of all sessions before it: the address stays, the link is not spent", async () => {
    const token = await askFor();
    const answers = await meet(sql, usrId, [logOutEverywhere, () => confirm(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
    expect(await sql`select purpose from email_token`).toEqual([{ purpose: "change" }]);
  });

  it("the end of all sessions after it: the renewed one ends, too", async () => {
    const token = await askFor();
    const answers = await meet(sql, usrId, [() => confirm(token), logOutEverywhere]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(await email()).toBe(newEmail);
    expect(await sql`select from session`).toEqual([]);
  });

  it.each(["before", "after"])(
    "a log-in by the old address that comes %s it: no session of the old address is left",
    async (order) => {
      const token = await askFor();
      const logIn = () => site.post("/login").type("form").send(ada);
      const both = [logIn, () => confirm(token)];
      const answers = await meet(sql, usrId, order === "before" ? both : both.toReversed());
      expect(answers.map(({ status }) => status)).toEqual(order === "before" ? [303, 303] : [303, 422]);

      const opened = answers.map(
        (answer) => /session=[\w-]{43}/.exec(answer.get("Set-Cookie")?.join() ?? "")?.[0] ?? "",
      );
      const statuses = await Promise.all(
        opened.map(async (session) => (await site.get("/account").set("Cookie", session)).status),
      );
      expect(statuses).toEqual(order === "before" ? [303, 200] : [200, 303]);
    },
  );

  it("a signup for that address: nobody has verified it, so that it gives way", async () => {
    const token = await askFor();
    let confirmation: Promise<request.Response> | undefined;
    await sql.begin(async (tx) => {
      await tx`insert into usr (email, password_hash) values (${newEmail}, 'none')`;
      confirmation = confirm(token).then((answer) => answer);
      await until("it waits for the address", async () => {
        const waiting = await sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        `;
        return waiting.length === 1;
      });
    });
    expect((await confirmation)?.status).toBe(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: newEmail }]);
  });

  it("the verification of that address by the account that held it: the verified one keeps it", async () => {
    const holder = await addOwner(sql, { ...ada, email: newEmail }, false);
    const token = await askFor();
    const link = await addLink(sql, "verify", holder);
    const verify = () => site.post("/verify").type("form").send({ token: link, password: "another good secret" });
    const answers = await meet(sql, holder, [verify, () => confirm(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 409]);
    expect(await sql`select usr_id, email from usr order by usr_id`).toEqual([
      { usr_id: usrId, email: ada.email },
      { usr_id: holder, email: newEmail },
    ]);
  });
});
