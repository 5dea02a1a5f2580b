import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { siteName, workerEnv } from "../app/env.ts";
import type { Module } from "../worker/module.ts";
import * as registered from "../worker/modules.ts";
import { migrate, startDatabase } from "./database.ts";
import { keepRunning } from "./keep-running.ts";
import { lock } from "./lock.ts";
import { saveMail } from "./mails.ts";
import { readableLine } from "./readable-line.ts";
import { startSmtp } from "./smtp.ts";

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
  // Ctrl-C during the start is not a failure.
  if (error !== stop.reason) {
    print(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Starts everything, waits for the end, and stops everything in reverse order. */
async function develop(): Promise<void> {
  if (given.NODE_ENV === "production") throw new Error("This is not for production: unset NODE_ENV.");
  // Check the environment before anything starts. These two may not be known yet.
  const later = { DATABASE_URL: "postgres://later", SMTP_URL: "smtp://later" };
  const { PORT, ORIGIN } = workerEnv(modules, { ...defaults, ...later, ...given });

  await using parts = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true });
  parts.defer(await lock(folder));
  await refuseTakenPort(PORT);
  print(`Starting in ${folder}; Ctrl-C stops everything.`);

  const env = { ...defaults, DATABASE_URL: await databaseUrl(parts), SMTP_URL: await smtpUrl(parts), ...given };
  stop.throwIfAborted();
  await migrate(env, given.DATABASE_URL ? "" : ` To start over with an empty database, delete ${folder}.`);
  stop.throwIfAborted();

  const failed = new AbortController();
  const run = (name: string, command: string[], folders: string[]) =>
    keepRunning({
      command: command.map((part) => resolve(root, part)),
      env,
      folders: folders.map((part) => resolve(root, part)),
      onLine: (line) => print(readableLine(line)),
      onCrash(exitCode) {
        print(`${name} ended with exit code ${exitCode}. It starts again after the next change.`);
        failed.abort(new Error("Stopped, because not everything could start."));
      },
    });
  const web = run("web", ["dev/web.ts", mailbox], ["app", "dev"]);
  const worker = run("worker", ["worker/main.ts"], ["app", "worker", "views/mail"]);
  // They finish what is running, which needs the mail server and Postgres.
  parts.defer(async () => {
    await Promise.all([web.stop(), worker.stop()]);
  });

  await untilReady(`http://127.0.0.1:${PORT}/readyz`, AbortSignal.any([stop, failed.signal]));
  print(`Sign up   ${ORIGIN}/signup`);
  print(given.SMTP_URL ? `Mails to  ${new URL(given.SMTP_URL).host}` : `Inbox     ${ORIGIN}/dev/mailbox`);
  if (!given.DATABASE_URL) print(`Database  ${env.DATABASE_URL}`);

  await once(stop, "abort");
  print("Stopping. Running requests and tasks finish first.");
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

async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer().listen(port);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    const problem = error.code === "EADDRINUSE" ? "is taken" : `cannot be used (${error.code})`;
    throw new Error(`Port ${port} ${problem}. Choose another one: PORT=${port + 1} npm run dev`);
  });
  server.close();
  await once(server, "close");
}

/** Waits until the URL responds with success. Throws after 30 s, or with the reason when `stop` is aborted. */
async function untilReady(url: string, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(30_000)]);
  while (!signal.aborted) {
    const isReady = await fetch(url, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(100);
  }
  stop.throwIfAborted();
  throw new Error(`Stopped, because ${url} did not become ready.`);
}

/** Aborts on Ctrl-C, SIGTERM or a closed terminal, and when npm has ended. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();

  // `on`, not `once`: a second Ctrl-C must not end this process before the others.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  // A killed npm cannot pass the signal on, but it is no longer the parent.
  const npm = process.ppid;
  if (process.env.npm_lifecycle_event) setInterval(() => process.ppid === npm || stop(), 500).unref();
  // Writing to a closed terminal must not end this process either.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  return controller.signal;
}

function print(line: string | undefined): void {
  if (line !== undefined) process.stdout.write(`${line}\n`);
}
