import type { Sql } from "../../app/db.ts";
import { createDatabase } from "./database.ts";
import { receiveMails, type Received } from "./smtp.ts";
import { serveApp } from "./web.ts";
import { runWorker } from "./worker.ts";

export type Site = { url: string; sql: Sql; mails: Received[] };

/** The whole of it: database, web application, worker process and mail server. */
export async function startSite(): Promise<Site> {
  const { sql, url: databaseUrl } = await createDatabase();
  const { url: smtpUrl, mails } = await receiveMails();
  const url = await serveApp(sql);
  runWorker(databaseUrl, smtpUrl, { ORIGIN: url });
  return { url, sql, mails };
}
