import { projectName } from "../../app/env.ts";
import { atLeast, atMost, type Bench, type Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Contender, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum, type Database } from "../support/database.ts";
import { load } from "../support/load.ts";
import { startOwnWeb, startSmtpSink, startWebProcess, workerSettings } from "../support/servers.ts";

const pages = ["/", "/signup"];

/** Signups over HTTP, beside peers and the ceiling that the password hash sets; and pages under a load of signups. */
export async function signup(bench: Bench): Promise<Report> {
  const seconds = bench.size(6, 1);
  const results = await compete(bench, [...systems(bench), ceiling(seconds)]);
  const loaded = await compete(bench, [
    { name: projectName, setting: "100 connections post signups", run: () => pagesUnderLoad(bench, seconds) },
  ]);
  const goal = (peer: string, connections: number, limit: number) =>
    atLeast(
      `${projectName} / ${peer} at ${connections} connections`,
      results.ratio(`rate${connections}`, projectName, peer),
      limit,
    );
  return {
    tables: [
      results.table({
        rate10: "signups/s at 10",
        p50at10: "p50 ms",
        p99at10: "p99 ms",
        rate100: "signups/s at 100",
        p50at100: "p50 ms",
        p99at100: "p99 ms",
        rate: "hashes/s",
      }),
      {
        ...loaded.table(Object.fromEntries(pages.map((path) => [`p99 ${path}`, `GET ${path}, p99 ms`]))),
        caption: "Pages, 50 requests/s each, under a load of signups",
      },
    ],
    goals: [
      goal("bare Koa", 100, 0.95),
      goal("better-auth", 10, 5),
      goal("better-auth", 100, 5),
      ...pages.map((path) =>
        atMost(`GET ${path} under load, p99`, loaded.median(projectName, `p99 ${path}`), 50, " ms"),
      ),
    ],
    notes: [
      `The connections post JSON, each time with a new address and from another forwarded client address: 700 signups of ${projectName} and of bare Koa, 150 each of the slower peers. The load comes from a process on the same cores.`,
      `The hashes differ, each is the system's default: argon2id (19 MiB, 2 passes) in ${projectName}, scrypt in better-auth, bcrypt (cost 10) in Express.`,
    ],
  };
}

/** Each on a database of its own, at 10 connections and then at 100. */
function systems(bench: Bench): Contender[] {
  const most = bench.size(700, 24);
  const few = bench.size(150, 20);
  return [
    { name: projectName, setting: "10 connections to Postgres, default log", run: () => withoutWorker(bench, most) },
    { name: "bare Koa", setting: "argon2id and one insert, no log", run: () => bareKoa(bench, most) },
    {
      name: `${projectName} and worker`,
      setting: "the worker sends the mails meanwhile",
      run: () => withWorker(bench, most),
    },
    { name: "better-auth", setting: "10 connections, defaults, rate limit off", run: () => betterAuth(bench, few) },
    { name: "Express", setting: "pg with 10 connections, bcrypt, mail sent inline", run: () => express(bench, few) },
  ];
}

async function withoutWorker(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using web = await startOwnWeb(base.url);
  return await postSignups(bench, base, `${web.url}/signup`, amount);
}

async function withWorker(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using sink = await startSmtpSink();
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  await worker.printed("joined");
  await using web = await startOwnWeb(base.url);
  return await postSignups(bench, base, `${web.url}/signup`, amount);
}

async function bareKoa(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const env = { DATABASE_URL: base.url, HASH: "argon2id" };
  await using web = await startWebProcess({ script: "bench/processes/bare-koa.ts", env, healthPath: "/" });
  return await postSignups(bench, base, `${web.url}/signup`, amount);
}

async function betterAuth(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, "empty");
  const env = { DATABASE_URL: base.url };
  await using web = await startWebProcess({ script: "bench/peers/better-auth.js", env, healthPath: "/api/auth/ok" });
  return await postSignups(bench, base, `${web.url}/api/auth/sign-up/email`, amount);
}

async function express(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, "empty");
  await using sink = await startSmtpSink();
  const env = { DATABASE_URL: base.url, SMTP_URL: sink.url };
  await using web = await startWebProcess({ script: "bench/peers/express.js", env, healthPath: "/" });
  return await postSignups(bench, base, `${web.url}/signup`, amount);
}

async function postSignups(bench: Bench, { sql }: Database, url: string, amount: number): Promise<Figures> {
  await vacuum(sql);
  const few = await load({ url, connections: 10, amount, signUp: true });
  const many = await load({ url, connections: bench.size(100, 20), amount, signUp: true });
  return {
    rate10: few.rate,
    p50at10: few.p50,
    p99at10: few.p99,
    rate100: many.rate,
    p50at100: many.p50,
    p99at100: many.p99,
  };
}

function ceiling(seconds: number): Contender {
  return {
    name: "ceiling",
    setting: "argon2id on all cores in a bare loop",
    async run() {
      await using child = startChild("bench/processes/argon2.ts", { env: { SECONDS: String(seconds) } });
      return { rate: Number((await child.receive("result")).rate) };
    },
  };
}

async function pagesUnderLoad(bench: Bench, seconds: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using web = await startOwnWeb(base.url);
  const [, ...found] = await Promise.all([
    load({ url: `${web.url}/signup`, connections: 100, seconds, signUp: true }),
    ...pages.map((path) => load({ url: web.url + path, connections: 2, seconds, perSecond: 50 })),
  ]);
  return Object.fromEntries(pages.map((path, place) => [`p99 ${path}`, found[place]!.p99]));
}
