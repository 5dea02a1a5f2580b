import * as fc from "fast-check";
import { expect, it } from "vitest";
import { hashToken } from "../../../app/token.ts";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { fuzz } from "../../support/fuzz.ts";
import { bytes, mostly } from "../../support/odd-requests.ts";
import { createDevice } from "../device.ts";

const numRuns = 5000;

const { sql } = await createDatabase();
const owner = await openSession(sql, await addUser(sql));
const unproved = await openSession(sql, "1", { proved_at: new Date(0) });
const device = createDevice("http://localhost");
await sql`
  insert into passkey (usr_id, usr_version, credential_id, public_key, counter, name)
  values (1, 0, ${device.id}, ${Buffer.from("a5010203", "hex")}, 3, 'Laptop')
`;

/** Challenges of the session. A used one comes back with the next request that succeeds. */
const asked = Array.from({ length: 10 }, (_, n) => ({
  challenge: String(n).repeat(43),
  rpId: "localhost",
  rp: { id: "localhost" },
}));
for (const { challenge } of asked) {
  const browser_hash = hashToken(owner.slice("session=".length));
  const row = { challenge_hash: hashToken(challenge), browser_hash, expires_at: new Date("2100-01-01") };
  await sql`insert into passkey_challenge ${sql(row)}`;
}

const created = asked.map((one) => createDevice("http://localhost").create(one));
const broken = created.map((one, n) => one.replace(/(attestationObject":".{30})...../, `$1${"AAAAA".slice(n % 4)}`));
const right = {
  credential: [...created, ...broken, ...asked.map((one) => device.sign(one)), "{}"],
  name: ["Laptop", "Phone"],
  to: ["/account", "/account/passkeys/1/remove"],
  method: ["get", "post"],
};
const named = fc
  .tuple(mostly(fc.constantFrom("1", "2", "999999999999999999"), bytes), fc.constantFrom("rename", "remove"))
  .map(([id, action]) => `/account/passkeys/${id}/${action}`);
const paths = ["/login/passkey", "/proof/passkey", "/account/passkeys/add"].flatMap((path) => [
  path,
  `${path}/options`,
]);

it(`gets no 5xx and no hanging response in ${numRuns} requests`, { timeout: 300_000 }, async () => {
  const answered = await fuzz(sql, {
    numRuns,
    right,
    host: "localhost",
    cookies: [owner, owner, unproved, "", "passkey=1"],
    paths: fc.oneof(fc.constantFrom(...paths), named),
    tables: ["usr", "email_verified", "session", "passkey", "passkey_challenge"],
  });

  const expected = [
    ["/login/passkey", 422],
    ["/login/passkey/options", 200],
    ["/proof/passkey", 422],
    ["/proof/passkey/options", 200],
    ["/account/passkeys/add", 403],
    ["/account/passkeys/add", 422],
    ["/account/passkeys/add/options", 200],
    ["/account/passkeys/1/rename", 303],
    ["/account/passkeys/1/remove", 303],
  ];
  for (const pair of expected) expect([...answered]).toContain(pair.join(" "));
});
