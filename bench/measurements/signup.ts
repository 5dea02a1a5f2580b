import type { Bench, Report } from "../bench.ts";
import { startChild } from "../support/child.ts";
import { compete, type Contender, type Figures } from "../support/compete.ts";
import { createDatabase } from "../support/database.ts";
import { load } from "../support/load.ts";
import { signupSystems, startOurs } from "../support/signup-systems.ts";
import { atLeast, atMost } from "../support/table.ts";

const pages = ["/", "/signup"];

/** Signups over HTTP, beside the ceiling that the password's hash sets, and what pages take meanwhile. */
export async function signup(bench: Bench): Promise<Report> {
  const seconds = bench.size(6, 2);
  const results = await compete(bench, [...signupSystems(bench), ceiling(seconds)]);
  const flood = await compete(bench, [
    { name: "ours", setting: "100 connections post signups", run: () => pagesUnderFlood(bench, seconds) },
  ]);
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
        ...flood.table(Object.fromEntries(pages.map((path) => [`p99 ${path}`, `GET ${path}, p99 ms`]))),
        caption: "Pages, 50 requests/s each, while signups flood in",
      },
    ],
    goals: [
      atLeast("ours / bare Koa at 100 connections", results.ratio("rate100", "ours", "bare Koa"), 0.95),
      atLeast("ours / better-auth at 10 connections", results.ratio("rate10", "ours", "better-auth"), 5),
      atLeast("ours / better-auth at 100 connections", results.ratio("rate100", "ours", "better-auth"), 5),
      ...pages.map((path) => atMost(`GET ${path} in a flood, p99`, flood.median("ours", `p99 ${path}`), 50, " ms")),
    ],
    notes: [
      "The connections post JSON, each time with a new address and from another forwarded client address: 700 signups ours and of bare Koa, 150 each of the slower peers. The load comes from a process on the same cores.",
      "The hashes differ, each is its maker's default: argon2id (19 MiB, 2 passes) ours, scrypt better-auth's, bcrypt (cost 10) Express's.",
    ],
  };
}

function ceiling(seconds: number): Contender {
  return {
    name: "ceiling",
    setting: "argon2id on all cores in a bare loop",
    async run() {
      await using child = startChild("bench/processes/argon2.ts", { env: { SECONDS: String(seconds) } });
      return { rate: Number((await child.heard("result")).rate) };
    },
  };
}

async function pagesUnderFlood(bench: Bench, seconds: number): Promise<Figures> {
  await using base = await createDatabase(bench.postgres);
  await using web = await startOurs(base.url);
  const [, ...found] = await Promise.all([
    load({ url: `${web.url}/signup`, connections: 100, seconds, signUp: true }),
    ...pages.map((path) => load({ url: web.url + path, connections: 2, seconds, perSecond: 50 })),
  ]);
  return Object.fromEntries(pages.map((path, place) => [`p99 ${path}`, found[place]!.p99]));
}
