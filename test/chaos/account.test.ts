import request from "supertest";
import { expect, it } from "vitest";
import { createMakeLink } from "../../worker/mail/email-link.ts";
import { ada, addLink, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addEmailChange } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const rounds = 150;
const chosen = "another good secret";

const { sql } = await createDatabase();
const makeLink = createMakeLink(sql);
const site = request(await serveApp(sql, { passwords }));

/** Every request on one account, and on the account that has its new address. Each is ready to be sent. */
async function everything(): Promise<(() => PromiseLike<unknown>)[]> {
  const usrId = await addUser(sql);
  const holder = await addUser(sql, { ...ada, email: "x@example.com" }, false);
  const [one, two] = [
    await addEmailChange(sql, usrId, "x@example.com"),
    await addEmailChange(sql, usrId, "y@example.com"),
  ];
  const [mine, other, third] = [
    await openSession(sql, usrId),
    await openSession(sql, usrId),
    await openSession(sql, usrId),
  ];
  const browser = `browser=${"A".repeat(43)}`;
  const link = (purpose: string, columns = {}, of = usrId) => addLink(sql, purpose, of, columns);
  const verify = await link("verify", {}, holder);

  const posts: [path: string, body: object, cookie?: string][] = [
    ["/password/reset", { token: await link("reset"), password: chosen }],
    ["/password/reset", { token: await link("reset"), password: chosen }, browser],
    ["/account/email/confirm", { token: await link("change", one) }, mine],
    ["/account/email/confirm", { token: await link("change", two) }, other],
    ["/account/email/revert", { token: await link("revert", { ...one, email: "old@example.com" }) }],
    ["/account/email/revert", { token: await link("revert", { ...two, email: "older@example.com" }) }],
    ["/account/password", { new_password: chosen }, mine],
    ["/account/password", { new_password: chosen }, other],
    ["/account/email", { email: "z@example.com" }, third],
    ["/account/delete", {}, other],
    ["/proof", ada, mine],
    ["/proof", ada, third],
    ["/account/secure", { token: await link("secure") }],
    ["/account/secure", { token: await link("secure") }],
    ["/account/sessions/end-all", {}, third],
    ["/login", ada],
    ["/login", ada, `${third}; ${browser}`],
    ["/login", ada, browser],
    ["/login", { ...ada, password: chosen }, browser],
    ["/logout", {}, mine],
    ["/password/forgot", ada],
    ["/signup", ada],
    ["/signup", { ...ada, email: "x@example.com" }],
    ["/verify", { token: verify, password: chosen }],
    ["/signup/refuse", { token: verify }],
  ];
  return [
    ...posts.map(
      ([path, body, cookie = ""]) =>
        () =>
          site
            .post(path)
            .set("Cookie", cookie)
            .send(body)
            .expect(({ status }) => {
              if (status >= 500) throw new Error(`${path} ${status}`);
            }),
    ),
    () => makeLink("reset", usrId),
  ];
}

it("ends without error, deadlock, or session of an unverified user when every request races", async () => {
  for (let round = 0; round < rounds; round += 1) {
    await empty(sql);
    const sends = (await everything()).map((send) => ({ send, place: Math.random() }));
    await Promise.all(sends.toSorted((a, b) => a.place - b.place).map(({ send }) => send()));

    expect(await sql`select from session where usr_id not in (select usr_id from email_verified)`).toHaveLength(0);
  }
  expect(await sql`select deadlocks from pg_stat_database where datname = current_database()`).toEqual([
    { deadlocks: "0" },
  ]);
}, 120_000);
