import { siteName } from "../../app/env.ts";
import { cleanUp } from "./clean-up.ts";
import { run, type Process } from "./processes.ts";

/** A worker process. If it still runs after the test or the test file, it is killed. */
export function runWorker(
  databaseUrl: string,
  smtpUrl: string,
  env: Record<string, string> = {},
  entry = "worker/main.ts",
): Process {
  const worker = run(entry, {
    DATABASE_URL: databaseUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: `${siteName} <hello@example.com>`,
    ORIGIN: "https://signup.example.com",
    ...env,
  });
  cleanUp(() => worker.end("SIGKILL"));
  return worker;
}
