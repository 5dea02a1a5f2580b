import { setTimeout as delay } from "node:timers/promises";
import type { Bench, Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase } from "../support/database.ts";
import { workerSettings } from "../support/drain.ts";
import { load } from "../support/load.ts";
import { oweWelcomes } from "../support/tasks.ts";
import { megabytes } from "../support/memory.ts";
import { now } from "../support/clock.ts";
import { startSink } from "../support/smtp-sink.ts";
import { atMost } from "../support/table.ts";
import { startWebProcess } from "../support/web.ts";

/** From the start of a process until it is ready, and how much memory it takes. */
export async function startUp(bench: Bench): Promise<Report> {
  const results = await compete(bench, [
    { name: "web", setting: "until /readyz; load: 100 connections post signups", run: () => ofWeb(bench) },
    { name: "worker", setting: "until it has joined; load: welcome mails, 20 in hand", run: () => ofWorker(bench) },
  ]);
  const each = (figure: string, text: string, limit: number, unit: string) =>
    ["web", "worker"].map((name) => atMost(`${name}, ${text}`, results.median(name, figure), limit, unit));
  return {
    tables: [results.table({ ready: "ready ms", idle: "idle MB", loaded: "loaded MB" })],
    goals: [
      ...each("ready", "ready", 1000, " ms"),
      ...each("idle", "idle", 130, " MB"),
      ...each("loaded", "after load", 200, " MB"),
    ],
    notes: ["Memory is RSS: 5 s after the start, and right after the load."],
  };
}

async function ofWeb(bench: Bench): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const started = now();
  const env = { DATABASE_URL: base.url, TRUST_PROXY: "1" };
  await using web = await startWebProcess({ script: "app/main.ts", env, healthPath: "/readyz", isEntry: true });
  const ready = now() - started;

  await delay(bench.size(5000, 500));
  const idle = await megabytes(web.child.pid);
  await load({ url: `${web.url}/signup`, connections: 100, seconds: bench.size(10, 2), signUp: true });
  return { ready, idle, loaded: await megabytes(web.child.pid) };
}

async function ofWorker(bench: Bench): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const count = bench.size(5000, 300);
  await using sink = await startSink(count);
  const started = now();
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  await worker.printed("joined");
  const ready = now() - started;

  await delay(bench.size(5000, 500));
  const idle = await megabytes(worker.pid);
  await oweWelcomes(base.sql, count);
  await sink.rate();
  return { ready, idle, loaded: await megabytes(worker.pid) };
}
