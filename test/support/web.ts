import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:net";
import { createApp } from "../../app/app.ts";
import type { Sql } from "../../app/db/connect.ts";
import { createLog } from "../../app/log.ts";
import { freePort } from "../../dev/postgres.ts";
import { passwords } from "./accounts.ts";
import { cleanUp } from "./clean-up.ts";
import { run } from "./processes.ts";
import { until } from "./until.ts";

type Options = Partial<Parameters<typeof createApp>[0]> & {
  /** The host in the site's origin. */
  host?: string;
};

/**
 * The web application on a free port, as behind a proxy. It closes after the test file. A request without
 * X-Forwarded-For comes from a new client address: rate limits apply only in tests that set the header. Hashes are
 * cheap.
 */
export async function serveApp(sql: Sql, { host = "127.0.0.1", ...options }: Options = {}): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://${host}:${portOf(server)}`;

  const app = createApp({ sql, log: createLog("silent", "web"), origin: url, trustProxy: 1, passwords, ...options });
  const handle = app.callback();
  server.on("request", (request, response) => {
    request.headers["x-forwarded-for"] ??= freshAddress();
    void handle(request, response);
  });
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

/** The web process on a free port. It is killed after the test. */
export async function runWeb(databaseUrl: string, env: Record<string, string> = {}) {
  const port = await freePort();
  const web = run("app/main.ts", { DATABASE_URL: databaseUrl, PORT: String(port), ...env });
  cleanUp(() => web.end("SIGKILL"));
  await until("the web process listens", () => web.output().includes("listening"));
  return { web, url: `http://127.0.0.1:${port}` };
}

let clients = 0;

/** A client address of no earlier request. */
function freshAddress(): string {
  clients += 1;
  return [10, clients >> 16, (clients >> 8) & 255, clients & 255].join(".");
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}
