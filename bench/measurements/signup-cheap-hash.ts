import type { Bench, Report } from "../bench.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, settle } from "../support/database.ts";
import { load } from "../support/load.ts";
import { atLeast } from "../support/table.ts";
import { startWebProcess } from "../support/web.ts";

/** What everything but the password's hash costs a signup, beside the least that Koa and postgres.js can do. */
export async function signupCheapHash(bench: Bench): Promise<Report> {
  const contender = (name: string, setting: string, script: string, env: Record<string, string> = {}) => ({
    name,
    setting,
    run: () => signups(bench, script, env),
  });
  const results = await compete(bench, [
    contender("ours", "user and task in one statement, default log", "bench/processes/cheap-signup.ts"),
    contender("ours, silent", "the same without its log", "bench/processes/cheap-signup.ts", { LOG_LEVEL: "silent" }),
    contender("bare Koa", "one insert, no log", "bench/processes/bare-koa.ts"),
  ]);
  return {
    tables: [results.table({ rate: "signups/s", p50: "p50 ms", p99: "p99 ms" }, "ours")],
    goals: [atLeast("ours / bare Koa", results.ratio("rate", "ours", "bare Koa"), 0.8)],
    notes: ["100 connections post JSON; 10 connections to Postgres each."],
  };
}

async function signups(bench: Bench, script: string, env: Record<string, string>): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const settings = { DATABASE_URL: base.url, TRUST_PROXY: "1", ...env };
  await using web = await startWebProcess({ script, env: settings, healthPath: "/" });
  await settle(base.sql);
  return await load({ url: `${web.url}/signup`, connections: 100, seconds: bench.size(6, 2), signUp: true });
}
