import type { Bench } from "../bench.ts";
import { startChild } from "./child.ts";
import type { Contender, Figures } from "./compete.ts";
import { createDatabase, settle, type Database } from "./database.ts";
import { workerSettings } from "./drain.ts";
import { load } from "./load.ts";
import { startSink } from "./smtp-sink.ts";
import { startWebProcess } from "./web.ts";

/** Who takes signups: each on a database of its own, at 10 connections and then at 100. */
export function signupSystems(bench: Bench): Contender[] {
  const most = bench.size(700, 24);
  const few = bench.size(150, 20);
  return [
    { name: "ours", setting: "10 connections to Postgres, default log", run: () => ours(bench, most) },
    { name: "bare Koa", setting: "argon2id and one insert, no log", run: () => bareKoa(bench, most) },
    {
      name: "ours, and the worker",
      setting: "the worker sends the mails meanwhile",
      run: () => withWorker(bench, most),
    },
    { name: "better-auth", setting: "10 connections, defaults, rate limit off", run: () => betterAuth(bench, few) },
    { name: "Express", setting: "pg with 10 connections, bcrypt, mail sent inline", run: () => express(bench, few) },
  ];
}

async function ours(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using web = await startOurs(base.url);
  return await flood(bench, base, `${web.url}/signup`, amount);
}

async function withWorker(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using sink = await startSink();
  const env = { ...workerSettings(base.url), SMTP_URL: sink.url };
  await using worker = startChild("worker/main.ts", { env, isEntry: true });
  await worker.printed("joined");
  await using web = await startOurs(base.url);
  return await flood(bench, base, `${web.url}/signup`, amount);
}

async function bareKoa(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const env = { DATABASE_URL: base.url, HASH: "argon2id" };
  await using web = await startWebProcess({ script: "bench/processes/bare-koa.ts", env, healthPath: "/" });
  return await flood(bench, base, `${web.url}/signup`, amount);
}

async function betterAuth(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, "empty");
  const env = { DATABASE_URL: base.url };
  await using web = await startWebProcess({ script: "bench/peers/better-auth.js", env, healthPath: "/api/auth/ok" });
  return await flood(bench, base, `${web.url}/api/auth/sign-up/email`, amount);
}

async function express(bench: Bench, amount: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres, "empty");
  await using sink = await startSink();
  const env = { DATABASE_URL: base.url, SMTP_URL: sink.url };
  await using web = await startWebProcess({ script: "bench/peers/express.js", env, healthPath: "/" });
  return await flood(bench, base, `${web.url}/signup`, amount);
}

/** The web's entry, behind one proxy. */
export function startOurs(databaseUrl: string) {
  return startWebProcess({
    script: "app/main.ts",
    env: { DATABASE_URL: databaseUrl, TRUST_PROXY: "1" },
    healthPath: "/readyz",
    isEntry: true,
  });
}

async function flood(bench: Bench, { sql }: Database, url: string, amount: number): Promise<Figures> {
  await settle(sql);
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
