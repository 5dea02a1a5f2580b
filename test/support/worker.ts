import { cleanUp } from "./clean-up.ts";
import { run, type Process } from "./processes.ts";

/** A worker process of its own, killed after the test file if it still runs. */
export function runWorker(databaseUrl: string, smtpUrl: string, env: Record<string, string> = {}): Process {
  const worker = run("worker/main.ts", {
    DATABASE_URL: databaseUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: "slim-signup <hello@example.com>",
    ORIGIN: "https://signup.example.com",
    ...env,
  });
  cleanUp(() => worker.end("SIGKILL"));
  return worker;
}
