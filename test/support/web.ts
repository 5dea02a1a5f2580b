import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:net";
import { createApp } from "../../app/app.ts";
import type { Sql } from "../../app/db.ts";
import { createLog } from "../../app/log.ts";
import { cleanUp } from "./clean-up.ts";

type Options = Partial<Parameters<typeof createApp>[0]>;

/** The web application on a free port, closed after the test file. */
export async function serveApp(sql: Sql, options: Options = {}): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${portOf(server)}`;

  const app = createApp({ sql, log: createLog("silent", "web"), origin: url, ...options });
  const handle = app.callback();
  server.on("request", (request, response) => void handle(request, response));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}
