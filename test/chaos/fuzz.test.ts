import { connect } from "node:net";
import * as fc from "fast-check";
import { pino } from "pino";
import { expect, it } from "vitest";
import { ada, addLink, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { enqueue } from "../support/engine.ts";
import { moveToDead, logInOperator } from "../support/operators.ts";
import { oddRequests, type OddRequest } from "../support/odd-requests.ts";
import { serveApp } from "../support/web.ts";

const numRuns = 20_000;
const deadlineSeconds = 10;
const metricsToken = "sixteen characters";

const { sql } = await createDatabase();
const failures: unknown[] = [];
const log = pino({ level: "error" }, { write: (line: string) => void failures.push(JSON.parse(line)) });
const { port } = new URL(await serveApp(sql, { passwords, log, metricsToken }));

const bob = await addUser(sql, { ...ada, email: "bob@example.com" }, false);
const usrId = await addUser(sql);
const session = await openSession(sql, usrId);
const [open] = await sql<{ session_id: string }[]>`select session_id from session`;
const [change, changed] = await sql<{ email_change_id: string }[]>`
  insert into email_change (usr_id, old_email, new_email, confirmed_at)
  values
    (${usrId}, ${ada.email}, 'new@example.com', null),
    (${usrId}, 'old@example.com', ${ada.email}, now())
  returning email_change_id
`;
const operator = await logInOperator(sql);
await enqueue(sql, "MAIL", 2, { run_at: new Date(Date.now() + 3600_000) });
await enqueue(sql, "DEAD", 2);
await moveToDead(sql, "DEAD");
await sql`insert into webhook (url, secret) values ('https://receiver.example.com/hooks', 'hush')`;
const links = [
  await addLink(sql, "verify", bob),
  await addLink(sql, "reset", usrId),
  await addLink(sql, "change", usrId, { email: "new@example.com", ...change }),
  await addLink(sql, "revert", usrId, { email: "old@example.com", ...changed }),
];
const right = {
  email: [ada.email, "bob@example.com", "new@example.com"],
  password: [ada.password],
  new_password: ["another good secret"],
  token: links,
  session_id: [open!.session_id],
  url: ["https://receiver.example.com/hooks", "https://receiver.example.com/\t1"],
  secret: [`whsec_${Buffer.alloc(32, 1).toString("base64")}`, `whsec_${Buffer.alloc(32, 2).toString("base64")}`],
  event_types: ["", "SIGNED_UP MAIL_SENT"],
  per_second: ["1", "0.5"],
};
const cookies = [session, "", `${session}; signup=x`, operator, operator];
const authorization = `Bearer ${metricsToken}`;

const tables = "usr email_verified session email_change email_token operator task task_dead webhook".split(" ");
for (const table of tables) await sql`create table ${sql(`saved_${table}`)} as table ${sql(table)}`;
/** What a request has used up or deleted is there for the next one. */
const restore = () =>
  sql.unsafe(
    [
      ...["rate_limit", "email_suppression", "log_in_failure", ...tables.toReversed()].map(
        (table) => `delete from ${table}`,
      ),
      ...tables.map((table) => `insert into ${table} overriding system value select * from saved_${table}`),
    ].join(";"),
  );

it(`meets no 5xx and no request that hangs, in ${numRuns} of them`, { timeout: 900_000 }, async () => {
  const statuses = new Map<number, number>();
  const answered = new Set<string>();
  await fc.assert(
    fc.asyncProperty(oddRequests(right, { cookies, authorization }), async (request) => {
      const status = await send(request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      answered.add(`${request.path} ${status}`);
      expect(failures).toEqual([]);
      expect(status).toBeLessThan(500);
      if (request.method === "POST" && status < 400) await restore();
    }),
    { numRuns },
  );

  // It was not all refused at the door.
  for (const status of [200, 204, 303, 400, 401, 403, 404, 405, 410, 415, 422])
    expect([...statuses.keys()]).toContain(status);
  const told = await sql<{ event_type: string }[]>`select distinct event_type from event`;
  for (const type of [
    "SIGNED_UP",
    "EMAIL_VERIFIED",
    "LOGGED_IN",
    "PASSWORD_CHANGED",
    "EMAIL_CHANGED",
    "ACCOUNT_DELETED",
  ])
    expect(told).toContainEqual({ event_type: type });
  for (const answer of ["/metrics 200", "/metrics 401"]) expect([...answered]).toContain(answer);
  for (const answer of ["/ops 200", "/ops 404", "/ops/events 200"]) expect([...answered]).toContain(answer);
  const acts = await sql<{ what: string }[]>`
    select distinct data ->> 'what' as what from event where event_type = 'OPERATOR_ACTED'
  `;
  for (const what of ["run", "retry", "cancel", "bury"]) expect(acts).toContainEqual({ what });
});

/** The status of the answer; 0 when the line was ended without one. */
async function send({ method, path, query, cookie, headers, body, isWhole }: OddRequest): Promise<number> {
  const [type, text] = body;
  const content = Buffer.from(text);
  const lines = [
    `${method} ${path}${query} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Cookie: ${cookie}`,
    `Content-Type: ${type}`,
    ...(method === "GET" ? [] : [`Content-Length: ${content.length}`]),
    ...headers.map((pair) => pair.join(": ")),
    "Connection: close",
  ];
  const socket = connect(Number(port), "127.0.0.1");
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    socket.destroy();
  }, deadlineSeconds * 1000);
  let answer = "";
  // A server that refuses what is too long resets the line, with or without its answer read.
  socket
    .on("error", () => {})
    .on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      // It has no end.
      if (answer.includes("\r\nContent-Type: text/event-stream")) socket.destroy();
    });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (method !== "GET") socket.write(isWhole ? content : content.subarray(1));
  // To a client that ends its side nothing is answered: only one that sends less than it says does it.
  if (!isWhole) socket.end();
  await closed;
  clearTimeout(timer);
  if (hangs) throw new Error(`No answer within ${deadlineSeconds} s.`);
  // After a "100 Continue" comes the answer proper.
  return Number(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
