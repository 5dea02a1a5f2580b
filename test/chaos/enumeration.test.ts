import { Agent, request } from "node:http";
import { expect, it } from "vitest";
import { createPasswords } from "../../app/password.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const requests = 2000;
const password = "twelve engines hum";

const { sql } = await createDatabase();
const passwords = createPasswords();
const url = await serveApp(sql, { passwords });
const agent = new Agent({ keepAlive: true });
cleanUp(() => agent.destroy());

const hash = await passwords.hash(password, new AbortController().signal);
// Each address is asked for once: what an address has had already is not what this is about.
await sql`
  insert into usr (email, password_hash)
  select 'there.' || n || '@example.com', ${hash} from generate_series(1, ${(3 * requests) / 2}) as n
`;
await sql`insert into email_verified (usr_id) select usr_id from usr where usr_id % 2 = 0`;
await sql`analyze`;

it.each(["/signup", "/login", "/password/forgot"])(
  "%s does not tell an address that is there from a free one, by what it says or how long it takes",
  { timeout: 300_000 },
  async (path) => {
    const place = ["/signup", "/login", "/password/forgot"].indexOf(path) * (requests / 2);
    const seen = { there: new Set<string>(), free: new Set<string>() };
    const times: { there: number[]; free: number[] } = { there: [], free: [] };

    for (let n = 1; n <= requests / 2; n += 1) {
      for (const kind of n % 2 ? (["there", "free"] as const) : (["free", "there"] as const)) {
        const { answer, milliseconds } = await post(path, `${kind}.${place + n}@example.com`);
        seen[kind].add(answer);
        times[kind].push(milliseconds);
      }
    }

    expect([...seen.there]).toEqual([...seen.free]);
    expect(seen.there.size).toBe(1);
    const area = areaUnderCurve(times.there, times.free);
    expect(area).toBeGreaterThan(0.45);
    expect(area).toBeLessThan(0.55);
  },
);

/** Status, body and header names of the answer, less the address that was sent; and how long it took. */
async function post(path: string, email: string): Promise<{ answer: string; milliseconds: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ answer: string; milliseconds: number }>();
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
  sent.end(new URLSearchParams({ email, password: "not the password of anybody" }).toString());
  return promise;
}

/** How likely a time of one kind is below one of the other: a half, when they can't be told apart. */
function areaUnderCurve(these: number[], those: number[]): number {
  const below = these.map((one) => those.filter((other) => one < other).length);
  return below.reduce((sum, count) => sum + count, 0) / (these.length * those.length);
}
