import { projectName } from "../../app/env.ts";
import { atLeast, type Bench, type Report } from "../bench.ts";
import { compete, type Figures } from "../support/compete.ts";
import { createDatabase, vacuum } from "../support/database.ts";
import { load } from "../support/load.ts";
import { startWebProcess } from "../support/servers.ts";

/** What a signup costs apart from its password hash, beside the minimum of Koa and postgres.js. */
export async function signupCheapHash(bench: Bench): Promise<Report> {
  const contender = (name: string, setting: string, script: string, env: Record<string, string> = {}) => ({
    name,
    setting,
    run: () => signups(bench, script, env),
  });
  const script = "bench/processes/cheap-signup.ts";
  const results = await compete(bench, [
    contender(projectName, "user and task in one statement, default log", script),
    contender(`${projectName}, silent`, "the same without its log", script, { LOG_LEVEL: "silent" }),
    contender("bare Koa", "one insert, no log", "bench/processes/bare-koa.ts"),
  ]);
  return {
    tables: [results.table({ rate: "signups/s", p50: "p50 ms", p99: "p99 ms" }, projectName)],
    goals: [atLeast(`${projectName} / bare Koa`, results.ratio("rate", projectName, "bare Koa"), 0.8)],
    notes: ["100 connections post JSON; 10 connections to Postgres each."],
  };
}

async function signups(bench: Bench, script: string, env: Record<string, string>): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  const settings = { DATABASE_URL: base.url, TRUST_PROXY: "1", ...env };
  await using web = await startWebProcess({ script, env: settings, healthPath: "/" });
  await vacuum(base.sql);
  return await load({ url: `${web.url}/signup`, connections: 100, seconds: bench.size(6, 1), signUp: true });
}
