import { connect } from "node:net";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { pino } from "pino";
import { addLink, addOwner, openSession, passwords } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const numRuns = 20_000;
const deadlineSeconds = 10;

const { sql } = await createDatabase();
const failures: unknown[] = [];
const log = pino({ level: "error" }, { write: (line: string) => void failures.push(JSON.parse(line)) });
const { port } = new URL(await serveApp(sql, { passwords, log }));
await addOwner(sql);
// Whose password none of the requests holds, so that none deletes the account.
const cleo = await addOwner(sql, { email: "cleo@example.com", password: "a secret of her own" });
const session = await openSession(sql, cleo);
const [open] = await sql<{ token_hash: Buffer; usr_id: string }[]>`select token_hash, usr_id from session`;
const token = await addLink(
  sql,
  "verify",
  await addOwner(sql, { email: "bob@example.com", password: "twelve engines hum" }, false),
);

const paths = [
  ..."/ /signup /signup/sent /signup/refuse /signup/refused /verify /verify/resend /login /logout".split(" "),
  ..."/password/forgot /password/forgot/sent /password/reset /account /account/data /account/sessions/end".split(" "),
  ..."/account/sessions/end-all /account/password /account/email /account/email/confirm /account/email/revert".split(
    " ",
  ),
  ..."/account/delete /healthz /readyz /assets/x/style.css /favicon.ico /nowhere".split(" "),
];

// Most of it well-formed in all but one place, so that it gets past the door.
const mostly = <Value>(usual: fc.Arbitrary<Value>, odd: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
const long = "x".repeat(10_000);
const nasty = fc.constantFrom("\0", "\ud800", "%00", "%ff", "%", "\r\n", "é", "__proto__", "[]", "' or 1=1 --", long);
const bytes = fc.oneof(nasty, fc.string({ unit: "binary", maxLength: 60 }));
const right = fc.constantFrom("ada@example.com", "bob@example.com", "twelve engines hum", token, "1", "");

const name = mostly(fc.constantFrom("email", "password", "new_password", "token", "session_id"), bytes);
const fields = fc.array(fc.tuple(name, fc.oneof(right, bytes)), { maxLength: 5 });
const form = fields.map((pairs) => pairs.map((pair) => pair.map(encode).join("=")).join("&"));
const json = fc.oneof(
  fields.map((pairs) => JSON.stringify(Object.fromEntries(pairs))),
  fc.dictionary(name, fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value)),
);
const body = mostly(
  fc.oneof(
    fc.tuple(fc.constant("application/x-www-form-urlencoded"), form),
    fc.tuple(fc.constant("application/json"), json),
  ),
  fc.tuple(fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain", ""), bytes),
);
const header = fc.oneof<fc.Arbitrary<[string, string]>[]>(
  fc.tuple(fc.constant("Accept"), fc.constantFrom("text/html", "application/json", "*/*", "image/png")),
  fc.tuple(fc.constant("Sec-Fetch-Site"), mostly(fc.constant("same-origin"), fc.constant("cross-site"))),
  mostly<[string, string]>(
    fc.tuple(fc.constantFrom("User-Agent", "X-Forwarded-For", "If-None-Match", "Accept-Encoding"), bytes),
    fc.tuple(fc.constantFrom("Origin", "Host", "Content-Encoding", "Transfer-Encoding", "Expect"), bytes),
  ),
);
const cookie = mostly(
  fc.constant(session),
  bytes.map((value) => `session=${value}; signup=${value}; sent_to=${value}`),
);
const request = fc.record({
  method: mostly(
    fc.constantFrom("GET", "POST"),
    fc.constantFrom("HEAD", "PUT", "OPTIONS", "PROPFIND", "CONNECT", "BREW"),
  ),
  path: mostly(
    fc.constantFrom(...paths),
    bytes.map((value) => `/${value}`),
  ),
  query: mostly(
    fc.oneof(
      fc.constant(""),
      form.map((text) => `?${text}`),
    ),
    bytes.map((value) => `?${value}`),
  ),
  cookie,
  headers: fc.array(header, { maxLength: 2 }),
  body,
  isWhole: mostly(fc.constant(true), fc.constant(false)),
});

it(`meets no 5xx and no request that hangs, in ${numRuns} of them`, { timeout: 900_000 }, async () => {
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request, async (one) => {
      // Among them are those that log out.
      await sql`insert into session ${sql(open!)} on conflict do nothing`;
      const status = await send(one);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(failures).toEqual([]);
      expect(status).toBeLessThan(500);
    }),
    { numRuns },
  );

  // It was not all refused at the door.
  for (const status of [200, 204, 303, 400, 401, 403, 404, 405, 410, 415, 422])
    expect([...statuses.keys()]).toContain(status);
});

/** The status of the answer; 0 when the line was ended without one. */
async function send({ method, path, query, cookie, headers, body: [type, text], isWhole }: Sent): Promise<number> {
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
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1"))).on("error", () => {});
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

type Sent = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

function encode(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : "%ed%a0%80";
}
