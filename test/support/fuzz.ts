import { connect } from "node:net";
import * as fc from "fast-check";
import { pino } from "pino";
import { expect } from "vitest";
import type { Sql } from "../../app/db/connect.ts";
import { passwords } from "./accounts.ts";
import { oddRequests, type OddRequest } from "./odd-requests.ts";
import { serveApp } from "./web.ts";

const deadlineSeconds = 10;

type Options = Parameters<typeof oddRequests>[1] & {
  numRuns: number;
  /** Valid values by the name of the field. */
  right: Record<string, string[]>;
  /** Tables that are filled again after each request that changed something, parents first. */
  tables: string[];
  env?: object;
  /** The host in the site's origin. */
  host?: string;
};

/**
 * Sends odd requests. Fails at the first 5xx or missing response. Returns the pairs of path and status that it got.
 */
export async function fuzz(
  sql: Sql,
  { numRuns, right, tables, env = {}, host, ...options }: Options,
): Promise<Set<string>> {
  const failures: unknown[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void failures.push(JSON.parse(line)) });
  const { port } = new URL(await serveApp(sql, { passwords, log, env, ...(host && { host }) }));
  for (const table of tables) await sql`create table ${sql(`saved_${table}`)} as table ${sql(table)}`;
  const limits = ["rate_limit", "email_suppression", "log_in_failure"];
  const restore = [
    ...[...limits, ...tables.toReversed()].map((table) => `delete from ${table}`),
    ...tables.map((table) => `insert into ${table} overriding system value select * from saved_${table}`),
  ].join(";");

  const answered = new Set<string>();
  await fc.assert(
    fc.asyncProperty(oddRequests(right, options), async (request) => {
      const status = await send(request, port);
      answered.add(`${request.path} ${status}`);
      expect(failures).toEqual([]);
      expect(status).toBeLessThan(500);
      if (request.method === "POST" && status < 400) await sql.unsafe(restore);
    }),
    { numRuns },
  );
  return answered;
}

/** The status of the response; 0 when the connection was closed without one. */
async function send(request: OddRequest, port: string): Promise<number> {
  const { method, path, query, cookie, headers, body, isWhole } = request;
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
  // A server that refuses a long request resets the connection. The client may have read the response or not.
  socket
    .on("error", () => {})
    .on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      // A stream has no end.
      if (answer.includes("\r\nContent-Type: text/event-stream")) socket.destroy();
    });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (method !== "GET") socket.write(isWhole ? content : content.subarray(1));
  // End the client's side only if it sends less than it announced: the server then sends no response.
  if (!isWhole) socket.end();
  await closed;
  clearTimeout(timer);
  if (hangs) throw new Error(`No response within ${deadlineSeconds} s.`);
  // The real response follows a "100 Continue".
  return Number(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
