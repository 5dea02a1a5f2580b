import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { siteName, workerEnv } from "../app/env.ts";
import type { Module } from "../worker/module.ts";
import * as registered from "../worker/modules.ts";
import { migrate, startDatabase } from "./database.ts";
import { keepRunning } from "./keep-running.ts";
import { lock } from "./lock.ts";
import { saveMail } from "./mails.ts";
import { refuseTakenPort, untilReady } from "./port.ts";
import { readableLine } from "./readable-line.ts";
import { startSmtp } from "./smtp.ts";
import { stopSignal } from "./stop-signal.ts";

const root = resolve(import.meta.dirname, "..");
const folder = resolve(process.argv[2] ?? `${root}/.data`);
const mailbox = `${folder}/mailbox`;

const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value));
const defaults = {
  NODE_ENV: "development",
  MAIL_FROM: `${siteName} <hello@localhost.example>`,
};
const modules = Object.values<Module>(registered);
for (const { developmentEnv } of modules) Object.assign(defaults, developmentEnv);

const stop = stopSignal();
try {
  await develop();
} catch (error) {
  // To be stopped half-way is no failure.
  if (error !== stop.reason) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Starts everything, waits for the end, and stops everything: what was started last first. */
async function develop(): Promise<void> {
  if (given.NODE_ENV === "production") throw new Error("This is not for production: unset NODE_ENV.");
  // A bad name in the environment is told before anything is started; these two may be known only afterwards.
  const later = { DATABASE_URL: "postgres://later", SMTP_URL: "smtp://later" };
  const { PORT, ORIGIN } = workerEnv(modules, { ...defaults, ...later, ...given });

  await using parts = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true });
  parts.defer(await lock(folder));
  await refuseTakenPort(PORT);
  say(`Starting in ${folder}; Ctrl-C stops everything.`);

  const env = { ...defaults, DATABASE_URL: await databaseUrl(parts), SMTP_URL: await smtpUrl(parts), ...given };
  stop.throwIfAborted();
  await migrate(env);
  stop.throwIfAborted();

  const failed = new AbortController();
  const run = (name: string, command: string[], folders: string[]) =>
    keepRunning({
      command: command.map((part) => resolve(root, part)),
      env,
      folders: folders.map((part) => resolve(root, part)),
      onLine: (line) => say(readableLine(line)),
      onCrash(exitCode) {
        say(`${name} ended with exit code ${exitCode}; a change starts it again.`);
        failed.abort(new Error("Stopped, because not everything could be started."));
      },
    });
  const web = run("web", ["dev/web.ts", mailbox], ["app", "dev"]);
  const worker = run("worker", ["worker/main.ts"], ["app", "worker", "views/mail"]);
  // They finish what they hold, and need the mail server and Postgres for that.
  parts.defer(async () => {
    await Promise.all([web.stop(), worker.stop()]);
  });

  await untilReady(`http://127.0.0.1:${PORT}/readyz`, AbortSignal.any([stop, failed.signal]));
  say(`Sign up   ${ORIGIN}/signup`);
  say(given.SMTP_URL ? `Mails to  ${new URL(given.SMTP_URL).host}` : `Inbox     ${ORIGIN}/dev/mailbox`);
  if (!given.DATABASE_URL) say(`Database  ${env.DATABASE_URL}`);

  await once(stop, "abort");
  say("Stopping: what is in hand is finished first.");
}

async function databaseUrl(parts: AsyncDisposableStack): Promise<string> {
  if (given.DATABASE_URL) return given.DATABASE_URL;
  const database = await startDatabase(folder);
  parts.defer(() => database.stop());
  return database.url;
}

async function smtpUrl(parts: AsyncDisposableStack): Promise<string> {
  if (given.SMTP_URL) return given.SMTP_URL;
  const smtp = await startSmtp({ onMail: (mail) => saveMail(mailbox, mail) });
  parts.defer(() => smtp.stop());
  return smtp.url;
}

function say(line: string | undefined): void {
  if (line !== undefined) process.stdout.write(`${line}\n`);
}
