import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { atMost, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { now } from "../support/clock.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase } from "../support/database.ts";
import { load } from "../support/load.ts";
import { startOwnWeb, startSmtpSink, workerSettings } from "../support/servers.ts";
import { enqueueWelcomes } from "../support/tasks.ts";

/** How long a process takes to be ready, and how much memory it needs. */
export async function startUp(bench: Bench): Promise<Report> {
  const results = await compete(bench, [
    { name: "web", setting: "until /readyz; load: 100 connections post signups", run: () => ofWeb(bench) },
    { name: "worker", setting: "until it has joined; load: welcome mails, 20 slots", run: () => ofWorker(bench) },
  ]);
  const goals = (figure: string, text: string, limit: number, unit: string) =>
    ["web", "worker"].map((name) => atMost(`${name}, ${text}`, results.median(name, figure), limit, unit));
  return {
    tables: [results.table({ ready: "ready ms", idle: "idle MB", loaded: "loaded MB" })],
    goals: [
      ...goals("ready", "ready", 1000, " ms"),
      ...goals("idle", "idle", 130, " MB"),
      ...goals("loaded", "after load", 200, " MB"),
    ],
    notes: ["Memory is RSS: 5 s after the start, and right after the load."],
  };
}

async function ofWeb(bench: Bench): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const started = now();
  await using web = await startOwnWeb(base.url);
  const ready = now() - started;

  await delay(bench.size(5000, 500));
  const idle = await megabytes(web.child.pid);
  await load({ url: `${web.url}/signup`, connections: 100, seconds: bench.size(10, 1), signUp: true });
  return { ready, idle, loaded: await megabytes(web.child.pid) };
}

async function ofWorker(bench: Bench): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const count = bench.size(5000, 300);
  await using sink = await startSmtpSink(count);
  const started = now();
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  await worker.printed("joined");
  const ready = now() - started;

  await delay(bench.size(5000, 500));
  const idle = await megabytes(worker.pid);
  await enqueueWelcomes(base.sql, count);
  await sink.rate();
  return { ready, idle, loaded: await megabytes(worker.pid) };
}

async function megabytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) / 1024;
}
