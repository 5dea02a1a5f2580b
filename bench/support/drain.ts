import type { Bench } from "../bench.ts";
import { startChild } from "./child.ts";
import { createDatabase, settle } from "./database.ts";
import { now } from "./clock.ts";
import { until } from "./wait.ts";

type Options = {
  script: string;
  env?: Record<string, string>;
  database: "migrated" | "empty";
  /** Finds a row as long as work is left. */
  left: string;
  count: number;
};

/** Tasks per second of one worker process: from the start of the first task until nothing is left, as committed. */
export async function drain(bench: Bench, { script, env = {}, database, left, count }: Options): Promise<number> {
  await using base = await createDatabase(bench.postgres, database);
  await using worker = startChild(script, { env: { ...workerSettings(base.url), ...env } });
  await worker.heard("ready");
  worker.tell("fill", { count });
  await worker.heard("filled");
  await settle(base.sql);

  worker.tell("go", { count });
  const { at } = await worker.heard("first");
  await worker.heard("all started");
  const isEmpty = async () => (await base.sql.unsafe(left)).length === 0;
  await until("all is done", isEmpty, { pauseMilliseconds: 1 });
  return (count / (now() - Number(at))) * 1000;
}

/** What a worker of ours reads from its environment; mails lead nowhere. */
export function workerSettings(url: string): Record<string, string> {
  return {
    DATABASE_URL: url,
    SMTP_URL: "smtp://127.0.0.1:1",
    MAIL_FROM: "bench@example.com",
    ORIGIN: "https://bench.example.com",
  };
}
