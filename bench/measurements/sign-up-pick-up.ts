import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { projectName } from "../../app/env.ts";
import { atMost, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { now, until } from "../support/clock.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { readStarts } from "../support/latency.ts";
import { startOwnWeb, startSmtpSink, workerSettings } from "../support/servers.ts";
import { percentile } from "../support/statistics.ts";

const warmUps = 20;

/** How soon after the response to a signup the handler of its welcome mail starts in an idle worker. */
export async function signUpPickUp(bench: Bench): Promise<Report> {
  const count = bench.size(150, 20);
  const results = await compete(bench, [
    {
      name: projectName,
      setting: "web and worker, default settings",
      isSigned: true,
      run: () => latency(bench, count),
    },
  ]);
  return {
    tables: [results.table({ p50: "p50 ms", p99: "p99 ms", response50: "response, p50 ms" })],
    goals: [atMost("p50 after the response", results.median(projectName, "p50"), 3, " ms")],
    notes: [
      `${count} signups over HTTP, one after the other, 20–60 ms apart: from the response's arrival to the start of the handler of SEND_EMAIL_WELCOME. It is negative when the handler starts first. The mails go to a server on the same machine.`,
    ],
  };
}

async function latency(bench: Bench, count: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using sink = await startSmtpSink();
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("bench/processes/sign-up-worker.ts", { env });
  await worker.receive("ready");
  await using web = await startOwnWeb(base.url);
  await vacuum(base.sql);

  const agent = new Agent({ keepAlive: true });
  const responses = new Map<string, { after: number; at: number }>();
  for (let sent = 0; sent < warmUps + count; sent += 1) {
    const email = `${sent}@people.example`;
    const begin = now();
    const at = await signUp(agent, web.url, email, sent);
    if (sent >= warmUps) responses.set(email, { after: at - begin, at });
    await delay(20 + Math.random() * 40);
  }
  agent.destroy();
  await until("no task is left", async () => (await base.sql`select from task limit 1`).length === 0);

  const startOf = await readStarts(worker);
  const users = await base.sql<{ number: number; email: string }[]>`select usr_id::int as number, email from usr`;
  const latencies = users.flatMap(({ number, email }) => {
    const response = responses.get(email);
    return response ? [startOf.get(number)! - response.at] : [];
  });
  const durations = [...responses.values()].map(({ after }) => after);
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99), response50: percentile(durations, 50) };
}

/** Resolves to the time at which the response arrived. */
function signUp(agent: Agent, url: string, email: string, place: number): Promise<number> {
  const client = `10.0.${place >> 8}.${place & 255}`;
  const headers = { "content-type": "application/json", "x-forwarded-for": client };
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/signup`, { method: "POST", agent, headers }, (response) => {
      if (response.statusCode === 204) resolve(now());
      else reject(new Error(`POST /signup responded ${response.statusCode}.`));
      response.resume();
    });
    sending.once("error", reject);
    sending.end(JSON.stringify({ email, password: "correct horse battery staple" }));
  });
}
