import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, openSession, passwords, race, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const minutesAgo = (minutes: number) => ({ proved_at: new Date(Date.now() - minutes * 60_000) });
let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId, minutesAgo(16));
});

const get = (path: string) => site.get(path).set("Cookie", cookie);
const post = (path: string, body: object) => site.post(path).set("Cookie", cookie).type("form").send(body);
const prove = (body: object = {}) => post("/proof", { password: ada.password, to: "/account/password", ...body });
const errorsIn = ({ text }: request.Response) => (JSON.parse(text) as { errors: object }).errors;

const forms: [path: string, fields: object][] = [
  ["/account/password", { new_password: "another good secret" }],
  ["/account/email", { email: "countess@example.com" }],
  ["/account/delete", {}],
];

describe.each(forms)("%s", (path, fields) => {
  it("is open for 15 minutes after a proof, and then asks for one", async () => {
    const recent = await openSession(sql, usrId, minutesAgo(14));
    await site.get(path).set("Cookie", recent).expect(200);
    const response = await get(path).expect(303);
    expect(response.headers.location).toBe(`/proof?to=${encodeURIComponent(path)}`);
    await get(path).set("Accept", "application/json").expect(403);
  });

  it("changes nothing without a proof, and shows the proof page", async () => {
    const { text } = await post(path, fields).expect(403).expect("Cache-Control", "no-store");
    expect(text).toContain("<title>Confirm that it is you");
    expect(text).toContain(`<input type="hidden" name="to" value="${path}">`);
    for (const [name, value] of Object.entries(fields)) expect(text).toContain(`name="${name}" value="${value}"`);
    expect(errorsIn(await site.post(path).set("Cookie", cookie).send(fields).expect(403))).toEqual({
      password: expect.stringContaining("POST /proof") as string,
    });
    expect(await sql`select from task`).toEqual([]);
  });

  it("acts once the proof is there", async () => {
    await prove();
    await post(path, fields).expect(303);
    expect(await sql`select from task`).not.toEqual([]);
  });

  it("needs no proof right after the log-in", async () => {
    const session = sessionOf(await site.post("/login").type("form").send(ada));
    await site.get(path).set("Cookie", session!).expect(200);
  });
});

describe("POST /proof", () => {
  it("records the proof of this session alone, and goes on to the page that was wanted", async () => {
    const other = await openSession(sql, usrId, minutesAgo(16));
    const to = "/account/password?a=1&b=%C3%A9";
    await prove({ to }).expect(303).expect("Location", to);
    await get("/account/password").expect(200);
    await site.get("/account/password").set("Cookie", other).expect(303);
  });

  it("sends a form on to its action", async () => {
    await prove({ to: "/account/email", method: "post", email: "a@example.com" })
      .expect(307)
      .expect("Location", "/account/email");
  });

  it("responds 204 to JSON", async () => {
    await site.post("/proof").set("Cookie", cookie).send({ password: ada.password }).expect(204);
    await get("/account/password").expect(200);
  });

  it("refuses a wrong password, and keeps what was wanted", async () => {
    const wanted = { to: "/account/email", method: "post", email: "ärger@example.com" };
    const { text } = await prove({ ...wanted, password: "not the right one" }).expect(422);
    expect(text).toContain("<title>Error: Confirm that it is you");
    expect(text).toContain("This password is wrong.");
    for (const [name, value] of Object.entries(wanted)) expect(text).toContain(`name="${name}" value="${value}"`);
    expect(text).not.toContain("not the right one");
    await get("/account/password").expect(303);
  });

  it.each([
    ["nothing", {}],
    ["a list", { password: [ada.password] }],
    ["an object", { password: {} }],
    ["a null byte", { password: "a\0" }],
    ["a lone surrogate", { password: "\ud800" }],
    ["10 kB", { password: "correct horse ".repeat(700) }],
  ])("refuses %s", async (_, body) => {
    const response = await site.post("/proof").set("Cookie", cookie).send(body).expect(422);
    expect(errorsIn(response)).toEqual({ password: "This password is wrong." });
  });

  it.each([
    "",
    "https://evil.example.com/",
    "//evil.example.com/",
    "/\\evil.example.com/",
    "\\\\evil.example.com/",
    "/\t/evil.example.com/",
    "\t//evil.example.com/",
    "/\n/evil.example.com/",
    " //evil.example.com/",
    "/é",
    "/a b",
    "/\0",
    "javascript:alert(1)",
    "account",
  ])("goes on to the account page instead of %j", async (to) => {
    await prove({ to }).expect(303).expect("Location", "/account");
    await prove({ to, method: "post" }).expect(303).expect("Location", "/account");
    const { text } = await get(`/proof?${new URLSearchParams({ to }).toString()}`).expect(200);
    expect(text).toContain('name="to" value="/account"');
  });

  it.each([{ to: ["/a", "/b"] }, { to: { a: "/b" } }])("goes on to the account page instead of %j", async (wanted) => {
    await prove(wanted).expect(303).expect("Location", "/account");
  });

  it("requires a log-in, and refuses other sites", async () => {
    await site.get("/proof").expect(303).expect("Location", "/login");
    await site.post("/proof").type("form").send(ada).expect(303).expect("Location", "/login");
    await prove().set("Sec-Fetch-Site", "cross-site").expect(403);
    await get("/account/password").expect(303);
  });
});

describe("the proof page", () => {
  it("keeps each field of the form as it was sent, but for its own", async () => {
    const sent =
      "tags=a&tags=b&note%5Bdeep%5D=%C3%BC%F0%9F%92%A1&mark=%22%3C%3E%26%27&plus=1%2B1+2&empty=&password=secret";
    const { text } = await site.post("/account/email").set("Cookie", cookie).type("form").send(sent).expect(403);
    const hidden = Array.from(
      text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g),
      ([, ...pair]) => pair,
    );
    expect(hidden).toEqual([
      ["to", "/account/email"],
      ["method", "post"],
      ["tags", "a"],
      ["tags", "b"],
      ["note[deep]", "ü💡"],
      ["mark", "&#34;&lt;&gt;&amp;&#39;"],
      ["plus", "1+1 2"],
      ["empty", ""],
    ]);
  });

  it("never sends a form again that a link brings", async () => {
    const { text } = await get("/proof?to=/account/delete&method=post&x=1").expect(200);
    expect(text).toContain('name="method" value="get"');
    expect(text).not.toContain('name="x"');
  });
});

describe("the rate limit of proofs", () => {
  it("takes five attempts in 15 minutes from a session, from any network", async () => {
    const mine = await openSession(sql, usrId, minutesAgo(16));
    for (let n = 0; n < 5; n += 1) await prove({ password: "wrong" }).expect(422);
    await prove()
      .expect(429)
      .expect("Retry-After", /^[89]\d\d$/);
    await site.post("/proof").set("Cookie", mine).type("form").send(ada).expect(303);
    await sql`update rate_limit set ends_at = now()`;
    await prove().expect(303);
  });

  it("is cleared by the right password", async () => {
    for (let n = 0; n < 4; n += 1) await prove({ password: "wrong" });
    await prove().expect(303);
    expect(await sql`select from rate_limit`).toEqual([]);
  });

  it("is not used up by failed log-ins elsewhere", async () => {
    const here = "198.51.100.8";
    for (let n = 0; n < 6; n += 1)
      await site
        .post("/login")
        .type("form")
        .send({ ...ada, password: "wrong" })
        .set("X-Forwarded-For", here);
    await prove().set("X-Forwarded-For", here).expect(303);
  });
});

describe("50 wrong passwords in a row", () => {
  const failed = (failed_proofs: number) => sql`update session set failed_proofs = ${failed_proofs}`;

  it("end the session, and no other one", async () => {
    const other = await openSession(sql, usrId, minutesAgo(16));
    for (let n = 0; n < 2; n += 1) await prove({ password: "wrong" }).expect(422);
    expect(await sql`select failed_proofs from session order by 1`).toEqual([
      { failed_proofs: 0 },
      { failed_proofs: 2 },
    ]);
    await sql`update session set failed_proofs = 49 where failed_proofs = 2`;
    await prove({ password: "wrong" }).expect(422);
    await prove().expect(303).expect("Location", "/login?ended");
    await get("/account").expect(303).expect("Location", "/login?ended");
    await site.get("/account").set("Cookie", other).expect(200);
  });

  it("are counted from the last right one", async () => {
    await failed(49);
    await prove().expect(303).expect("Location", "/account/password");
    expect(await sql`select failed_proofs from session`).toEqual([{ failed_proofs: 0 }]);
  });
});

describe("a proof that races", () => {
  it.each([
    ["a reset", "reset", "/password/reset", "/login?reset"],
    ["a revert", "revert", "/account/email/revert", "/account/email/reverted"],
  ])("with %s before it is not recorded", async (_, purpose, path, done) => {
    const columns = purpose === "revert" ? { email: "old@example.com" } : {};
    if (purpose === "revert")
      await sql`insert into email_change (usr_id, old_email, new_email) values (${usrId}, 'old@example.com', ${ada.email})`;
    const token = await addLink(sql, purpose, usrId, {
      ...columns,
      ...(purpose === "revert" ? { email_change_id: "1" } : {}),
    });
    const change = () => site.post(path).type("form").send({ token, password: "another good secret" });
    const responses = await race(sql, usrId, [change, () => prove()]);
    expect(responses.map(({ headers }) => headers.location)).toEqual([done, "/login?ended"]);
    expect(await sql`select from session where proved_at > now() - interval '15 minutes'`).toEqual([]);
  });

  it("with the end of its session is not recorded", async () => {
    const end = () => post("/account/sessions/end-all", {});
    const responses = await race(sql, usrId, [end, () => prove()]);
    expect(responses.map(({ headers }) => headers.location)).toEqual(["/login?out", "/login?ended"]);
  });
});
