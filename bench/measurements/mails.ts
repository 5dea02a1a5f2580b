import type { Bench, Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, settle } from "../support/database.ts";
import { workerSettings } from "../support/drain.ts";
import { oweWelcomes } from "../support/tasks.ts";
import { startSink } from "../support/smtp-sink.ts";
import { atLeast } from "../support/table.ts";

/** Welcome mails from the task to the mail server, beside the mail library alone. */
export async function mails(bench: Bench): Promise<Report> {
  const count = bench.size(5000, 300);
  const results = await compete(bench, [
    { name: "ours", setting: "worker/main.ts, 20 slots, 20 connections", run: () => fromTasks(bench, count) },
    {
      name: "bare loop",
      setting: "nodemailer's pool, 20 connections, the same views rendered for each mail",
      run: () => fromLoop(count),
    },
  ]);
  return {
    tables: [results.table({ rate: "mails/s" }, "ours")],
    goals: [atLeast("ours / bare loop", results.ratio("rate", "ours", "bare loop"), 0.85)],
    notes: [
      `${count.toLocaleString("en-US")} mails, from the first to the last that the server took; it has a process of its own.`,
    ],
  };
}

async function fromTasks(bench: Bench, count: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await oweWelcomes(base.sql, count);
  await settle(base.sql);
  await using sink = await startSink(count);
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  return { rate: await Promise.race([sink.rate(), worker.heard("never").then(() => 0)]) };
}

async function fromLoop(count: number): Promise<Figures> {
  await using sink = await startSink(count);
  const env = { ...workerSettings("postgres://nobody@127.0.0.1/none"), SMTP_URL: sink.url, COUNT: String(count) };
  await using loop = startChild("bench/processes/bare-mails.ts", { env });
  return { rate: await Promise.race([sink.rate(), loop.heard("never").then(() => 0)]) };
}
