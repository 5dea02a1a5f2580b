import { Agent, request } from "node:http";
import { expect, it } from "vitest";
import { createPasswords } from "../../app/password/password.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { compare, type Posted } from "../support/timing.ts";
import { serveApp } from "../support/web.ts";

const requests = 2000;
const paths = ["/signup", "/login", "/password/forgot", "/verify/resend"];
const password = "twelve engines hum";

const { sql } = await createDatabase();
const passwords = createPasswords();
const url = await serveApp(sql, { passwords });
const agent = new Agent({ keepAlive: true });
cleanUp(() => agent.destroy());

const hash = await passwords.hash(password, new AbortController().signal);
// Each address is used twice, so that the second request finds the pending mail of the first.
await sql`
  insert into usr (email, password_hash)
  select 'there.' || n || '@example.com', ${hash} from generate_series(1, ${(paths.length * requests) / 2}) as n
`;
await sql`insert into email_verified (usr_id) select usr_id from usr where usr_id % 2 = 0`;
await sql`analyze`;

it.each(paths)(
  "%s responds to a known and to an unknown address with the same content in the same time",
  { timeout: 300_000 },
  async (path) => {
    const place = paths.indexOf(path) * (requests / 2);
    const { answers, area } = await compare(
      requests,
      (n) => post(path, `there.${place + Math.ceil(n / 2)}@example.com`),
      (n) => post(path, `free.${place + Math.ceil(n / 2)}@example.com`),
    );
    expect(answers.size).toBe(1);
    expect(area).toBeGreaterThan(0.45);
    expect(area).toBeLessThan(0.55);
  },
);

it.each(["blocked", "unverified"])(
  "/login responds to the right and to a wrong password with the same content in the same time when the account is %s",
  { timeout: 300_000 },
  async (state) => {
    // Each account is asked twice, in either order. Every other one is verified.
    const email = (n: number) => `there.${2 * Math.ceil(n / 2) + (state === "blocked" ? 0 : -1)}@example.com`;
    await sql`
      insert into log_in_failure (email, failures) select email, 60 from usr
      on conflict (email) do update set failures = 60
    `;
    await sql`delete from rate_limit`;
    const { answers, area } = await compare(
      requests,
      (n) => post("/login", email(n), password),
      (n) => post("/login", email(n)),
    );
    expect(answers.size).toBe(1);
    expect(area).toBeGreaterThan(0.45);
    expect(area).toBeLessThan(0.55);
    expect(await sql`select from session`).toHaveLength(0);
  },
);

/** Status, body and header names of the response, without the address that was sent, and its time. */
async function post(path: string, email: string, tried = "not the right password"): Promise<Posted> {
  const { promise, resolve, reject } = Promise.withResolvers<Posted>();
  const started = performance.now();
  const sent = request(`${url}${path}`, {
    method: "POST",
    agent,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  sent.once("error", reject).once("response", (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.once("end", () => {
      const names = Object.keys(response.headers).join(" ");
      const cookies = response.headers["set-cookie"]?.length;
      const answer = `${response.statusCode} ${names} ${cookies} ${text.replaceAll(email, "…")}`;
      resolve({ answer, milliseconds: performance.now() - started });
    });
  });
  sent.end(new URLSearchParams({ email, password: tried }).toString());
  return promise;
}
