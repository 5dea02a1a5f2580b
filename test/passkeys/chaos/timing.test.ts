import { Agent, request } from "node:http";
import { expect, it } from "vitest";
import { hashToken } from "../../../app/token.ts";
import { addUser } from "../../support/accounts.ts";
import { cleanUp } from "../../support/clean-up.ts";
import { createDatabase } from "../../support/database.ts";
import { compare, type Posted } from "../../support/timing.ts";
import { createDevice, type Device } from "../device.ts";
import { addPasskey, servePasskeys } from "../site.ts";
import { openSession } from "../../support/accounts.ts";

const requests = 2000;

const { sql } = await createDatabase();
const { url, openBrowser } = await servePasskeys(sql);
const agent = new Agent({ keepAlive: true });
cleanUp(() => agent.destroy());

const known = createDevice(url);
await addPasskey(openBrowser(await openSession(sql, await addUser(sql))), known);
// Enough passkeys for a deep index.
await sql`
  insert into passkey (usr_id, usr_version, credential_id, public_key, counter, name)
  select 1, 0, md5(n::text), '', 0, 'more' from generate_series(1, 20000) as n
`;
await sql`analyze`;

it(
  "responds to a forged signature of a known and of an unknown passkey with the same content in the same time",
  { timeout: 300_000 },
  async () => {
    const unknown = createDevice(url);
    // The first check loads the library.
    for (const device of [known, unknown]) await attempt(device, 0);
    const { answers, area } = await compare(
      requests,
      (n) => attempt(known, 2 * n),
      (n) => attempt(unknown, 2 * n + 1),
    );
    expect(answers.size).toBe(1);
    expect(area).toBeGreaterThan(0.45);
    expect(area).toBeLessThan(0.55);
    expect(await sql`select from event where event_type = 'LOGGED_IN'`).toHaveLength(0);
  },
);

/** Logs in with a fresh challenge and a forged signature. Only the log-in is timed. */
async function attempt(device: Device, n: number): Promise<Posted> {
  const challenge = `${n}`.padStart(43, "A");
  const hashes = { challenge_hash: hashToken(challenge), browser_hash: hashToken("browser") };
  await sql`insert into passkey_challenge ${sql(hashes)} on conflict do nothing`;
  const credential = device.sign({ challenge, rpId: "localhost" }, { isForged: true });

  const { promise, resolve, reject } = Promise.withResolvers<Posted>();
  const started = performance.now();
  const headers = { "Content-Type": "application/x-www-form-urlencoded", Cookie: "passkey=browser" };
  const sent = request(`${url}/login/passkey`, { method: "POST", agent, headers });
  sent.once("error", reject).once("response", (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.once("end", () => {
      const answer = `${response.statusCode} ${Object.keys(response.headers).join(" ")} ${text}`;
      resolve({ answer, milliseconds: performance.now() - started });
    });
  });
  sent.end(new URLSearchParams({ credential }).toString());
  return promise;
}
