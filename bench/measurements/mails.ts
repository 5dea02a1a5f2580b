import { projectName } from "../../app/env.ts";
import { atLeast, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { startSmtpSink, workerSettings } from "../support/servers.ts";
import { enqueueWelcomes } from "../support/tasks.ts";

/** Welcome mails from the task to the mail server, beside the mail library alone. */
export async function mails(bench: Bench): Promise<Report> {
  const count = bench.size(5000, 300);
  const results = await compete(bench, [
    { name: projectName, setting: "worker/main.ts, 20 slots, 20 connections", run: () => fromTasks(bench, count) },
    {
      name: "bare loop",
      setting: "nodemailer's pool, 20 connections, the same views rendered for each mail",
      run: () => fromLoop(count),
    },
  ]);
  return {
    tables: [results.table({ rate: "mails/s" }, projectName)],
    goals: [atLeast(`${projectName} / bare loop`, results.ratio("rate", projectName, "bare loop"), 0.85)],
    notes: [
      `${count.toLocaleString("en-US")} mails, from the first to the last that the server accepted; it is a process of its own.`,
    ],
  };
}

async function fromTasks(bench: Bench, count: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await enqueueWelcomes(base.sql, count);
  await vacuum(base.sql);
  await using sink = await startSmtpSink(count);
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  return { rate: await Promise.race([sink.rate(), worker.ended]) };
}

async function fromLoop(count: number): Promise<Figures> {
  await using sink = await startSmtpSink(count);
  const env = { ...workerSettings("postgres://nobody@127.0.0.1/none"), SMTP_URL: sink.url, COUNT: String(count) };
  await using loop = startChild("bench/processes/bare-mails.ts", { env });
  return { rate: await Promise.race([sink.rate(), loop.ended]) };
}
