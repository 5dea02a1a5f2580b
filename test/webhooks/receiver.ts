import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Sql } from "../../app/db/connect.ts";
import { cleanUp } from "../support/clean-up.ts";
import { portOf } from "../support/web.ts";

export type Request = { path: string; headers: IncomingHttpHeaders; body: string; at: number };

export const secret = `whsec_${Buffer.alloc(32, "k").toString("base64")}`;

/** A receiver of webhooks that keeps its requests. It responds 204, or as the test decides. */
export async function startReceiver() {
  const requests: Request[] = [];
  const receiver = {
    requests,
    url: "",
    answer: (response: ServerResponse, _request: Request): unknown => response.writeHead(204).end(),
    /** The ids of the messages that it got. */
    ids: () => new Set(requests.map(({ headers }) => headers["webhook-id"])),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      const request = { path: incoming.url ?? "", headers: incoming.headers, body, at: performance.now() };
      requests.push(request);
      return receiver.answer(response, request);
    }, String);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  receiver.url = `http://127.0.0.1:${portOf(server)}/hook`;
  cleanUp(receiver.stop);
  return receiver;
}

/** Whether a request is signed by the secret, as a receiver finds out. */
export function isSigned({ headers, body }: Request, key = secret): boolean {
  const content = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const hmac = createHmac("sha256", Buffer.from(key.slice("whsec_".length), "base64")).update(content);
  return headers["webhook-signature"] === `v1,${hmac.digest("base64")}`;
}

/** Registers an endpoint; returns its id. */
export async function addWebhook(sql: Sql, url: string, columns: object = {}): Promise<string> {
  const row = { url, secret: `whsec_${Buffer.from(`${url} ${Math.random()}`).toString("base64")}`, ...columns };
  const [webhook] = await sql<{ webhook_id: string }[]>`insert into webhook ${sql(row)} returning webhook_id`;
  return webhook!.webhook_id;
}

/** What was done to endpoints, and by whom. */
export const webhookChanges = (sql: Sql) => sql`
  select data, email as who
  from event
  left join usr using (usr_id)
  where event_type = 'WEBHOOK_CHANGED'
  order by event_id
`;

let messages = 0;

/** The params of one delivery. */
export function messageFor(webhookId: string) {
  messages += 1;
  return {
    webhook_id: webhookId,
    message_id: `msg_${messages}_${webhookId}`,
    type: "SIGNED_UP",
    timestamp: "2026-11-20T10:00:00.000Z",
    data: { usr_id: "7" },
  };
}
