import { expect, it } from "vitest";
import { ada, addLink, addUser, openSession } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { fuzz } from "../support/fuzz.ts";

const numRuns = 20_000;

const { sql } = await createDatabase();

const bob = await addUser(sql, { ...ada, email: "bob@example.com" }, false);
const usrId = await addUser(sql);
const session = await openSession(sql, usrId);
const unproved = await openSession(sql, usrId, { proved_at: new Date(0) });
const [open] = await sql<{ session_id: string }[]>`select session_id from session`;
const [change, changed] = await sql<{ email_change_id: string }[]>`
  insert into email_change (usr_id, old_email, new_email, confirmed_at)
  values
    (${usrId}, ${ada.email}, 'new@example.com', null),
    (${usrId}, 'old@example.com', ${ada.email}, now())
  returning email_change_id
`;
const links = [
  await addLink(sql, "verify", bob),
  await addLink(sql, "reset", usrId),
  await addLink(sql, "change", usrId, { email: "new@example.com", ...change }),
  await addLink(sql, "revert", usrId, { email: "old@example.com", ...changed }),
  await addLink(sql, "secure", usrId),
];
const right = {
  email: [ada.email, "bob@example.com", "new@example.com"],
  password: [ada.password],
  new_password: ["another good secret"],
  token: links,
  session_id: [open!.session_id],
  to: ["/account/email", "/account/delete", "//example.com"],
  method: ["get", "post"],
};
const cookies = [session, unproved, "", `${session}; signup=x`];
const tables = "usr email_verified session email_change email_token task".split(" ");

it(`gets no 5xx and no hanging response in ${numRuns} requests`, { timeout: 900_000 }, async () => {
  const answered = await fuzz(sql, { numRuns, right, cookies, tables });

  // The server did not refuse all of them at once.
  const statuses = [...answered].map((answer) => Number(answer.split(" ").at(-1)));
  for (const status of [200, 204, 303, 307, 400, 401, 403, 404, 405, 410, 415, 422]) expect(statuses).toContain(status);
  const emitted = await sql<{ event_type: string }[]>`select distinct event_type from event`;
  for (const type of [
    "SIGNED_UP",
    "EMAIL_VERIFIED",
    "LOGGED_IN",
    "PASSWORD_CHANGED",
    "EMAIL_CHANGED",
    "ACCOUNT_DELETED",
  ])
    expect(emitted).toContainEqual({ event_type: type });
});
