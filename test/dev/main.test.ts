import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../dev/postgres.ts";
import { endWithRun, isAlive, run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const main = fileURLToPath(new URL("../../dev/main.ts", import.meta.url));

const NODE_COMPILE_CACHE = `${tmpdir()}/compile-cache`;
const folder = await mkdtemp(`${tmpdir()}/signup-dev-`);
const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await rm(folder, { recursive: true });
});

type Run = Awaited<ReturnType<typeof dev>>;

/** What `npm run dev` runs, with nothing in its environment but the port and a cache that halves its start. */
async function dev({ port, data = folder }: { port?: number; data?: string } = {}) {
  const PORT = String(port ?? (await freePort()));
  const child = spawn(process.execPath, [main, data], {
    env: { PORT, NODE_COMPILE_CACHE },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithRun(child);
  const closed = once(child, "close");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));

  const end = async (signal?: NodeJS.Signals) => {
    if (signal) child.kill(signal);
    await closed;
    return { exitCode: child.exitCode, output };
  };
  ends.push(() => end("SIGTERM"));
  return {
    origin: `http://localhost:${PORT}`,
    end,
    output: () => output,
    up: () => until("everything is up", () => /^Database .*\n/m.test(output) || child.exitCode !== null, 40),
  };
}

// All tests share one run, in their order: it is started once, killed once, and stopped once.
describe("npm run dev", { timeout: 60_000 }, () => {
  let running: Run;
  beforeAll(async () => {
    running = await dev();
    await running.up();
  }, 60_000);

  it("prints its URLs in at most five lines and delivers the mail of a signup to the inbox", async () => {
    const { origin, output } = running;
    expect(output()).toContain(`Sign up   ${origin}/signup\nInbox     ${origin}/dev/mailbox\nDatabase  postgres://`);
    expect(output().match(/\n/g)?.length).toBeLessThanOrEqual(5);

    const body = new URLSearchParams({ email: "ada@example.com", password: "a long enough secret" });
    const { status } = await fetch(`${origin}/signup`, { method: "POST", body, redirect: "manual" });
    expect(status).toBe(303);
    await until("the mail is there", async () => (await inbox(origin)).includes("ada@example.com"));
  });

  it("refuses in one line to run twice from one folder", async () => {
    const second = await (await dev()).end();

    expect(second.exitCode).toBe(1);
    expect(second.output).toMatch(/^npm run dev is already running.*\n$/);
    expect(await fetch(`${running.origin}/readyz`)).toMatchObject({ status: 200 });
  });

  it("says in one line that the port is taken, and starts nothing", async () => {
    const port = Number(new URL(running.origin).port);

    const second = await (await dev({ port, data: `${folder}/other` })).end();

    expect(second.exitCode).toBe(1);
    expect(second.output).toMatch(new RegExp(`^Port ${port} is taken.*\n$`));
  });

  it("lends its database to the commands, but not in production", async () => {
    const events = await copyOfCommands();
    const [development, production] = await Promise.all([events({}), events({ NODE_ENV: "production" })]);

    expect(development).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining("SIGNED_UP") as string,
    });
    expect(production).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining("DATABASE_URL is required") as string,
    });
  });

  it("reuses the server and the mails of a killed run", async () => {
    const killed = running;
    const [worker] = await pidsOf(killed.output());
    await killed.end("SIGKILL");

    running = await dev();
    await running.up();

    expect(await inbox(running.origin)).toContain("ada@example.com");
    await until("the killed run's worker is gone", () => !isAlive(worker!));
    await until("the killed run's web process is gone", () =>
      fetch(killed.origin).then(
        () => false,
        () => true,
      ),
    );
  });

  it("stops on Ctrl-C and leaves no process running", async () => {
    const pids = await pidsOf(running.output());
    await withSql(
      running.output(),
      (sql) => sql`
      update migration set name = '0001_old_baseline.sql' where name like '0001%'
    `,
    );
    expect(pids.map(isAlive)).toEqual([true, true]);

    expect(await running.end("SIGINT")).toMatchObject({ exitCode: 0 });

    await until("worker and Postgres are gone", () => !pids.some(isAlive));
    await expect(fetch(running.origin)).rejects.toThrow("fetch failed");
    const events = await copyOfCommands();
    expect(await events({})).toEqual({
      exitCode: 1,
      output: "npm run dev is not running. Start it, or set DATABASE_URL.\n",
    });
  });

  it("says what to delete when its database is that of an older baseline, and exits 1", async () => {
    const { exitCode, output } = await (await dev()).end();

    expect(exitCode).toBe(1);
    expect(output.split("\n").slice(1)).toEqual([
      "Nothing applied: the database has 0001_old_baseline.sql, which is not in this version. Use an empty database.",
      `Stopped, because the migrations failed. To start over with an empty database, delete ${folder}.`,
      "",
    ]);
  });
});

/**
 * Copies the commands to a project with this test's folder as `.data`. Returns a function that runs `npm run events`.
 */
async function copyOfCommands() {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const copy = await mkdtemp(`${tmpdir()}/signup-commands-`);
  for (const name of ["app", "cli", "dev", "package.json"])
    await cp(`${root}/${name}`, `${copy}/${name}`, { recursive: true });
  await symlink(`${root}/node_modules`, `${copy}/node_modules`);
  await symlink(folder, `${copy}/.data`);
  onTestFinished(() => rm(copy, { recursive: true }));
  return async (env: Record<string, string>) => {
    const command = run(`${copy}/cli/events.ts`, env);
    return { exitCode: await command.exited, output: command.output() };
  };
}

async function inbox(origin: string): Promise<string> {
  const response = await fetch(`${origin}/dev/mailbox`);
  return response.text();
}

/** The worker and Postgres. */
async function pidsOf(output: string): Promise<number[]> {
  const [worker] = await withSql(output, (sql) => sql<{ pid: number }[]>`select pid from worker`);
  const [postmaster] = (await readFile(`${folder}/postgres/postmaster.pid`, "utf8")).split("\n");
  return [worker?.pid ?? 0, Number(postmaster)];
}

async function withSql<Rows>(output: string, query: (sql: postgres.Sql) => PromiseLike<Rows>): Promise<Rows> {
  const sql = postgres(/postgres:\S+/.exec(output)?.[0] ?? "", { max: 1 });
  const rows = await query(sql);
  await sql.end();
  return rows;
}
