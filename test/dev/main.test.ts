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

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/slim-signup-dev-`);
});
afterAll(() => rm(folder, { recursive: true }));

/** What `npm run dev` runs, with nothing in its environment but the port. */
async function dev({ port, data = folder }: { port?: number; data?: string } = {}) {
  const PORT = String(port ?? (await freePort()));
  const child = spawn(process.execPath, [main, data], { env: { PORT }, stdio: ["ignore", "pipe", "pipe"] });
  endWithRun(child);
  const closed = once(child, "close");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));

  const end = async (signal?: NodeJS.Signals) => {
    if (signal) child.kill(signal);
    await closed;
    return { exitCode: child.exitCode, output };
  };
  onTestFinished(async () => {
    await end("SIGTERM");
  });
  return {
    origin: `http://localhost:${PORT}`,
    end,
    output: () => output,
    up: () => until("everything is up", () => /^Database .*\n/m.test(output) || child.exitCode !== null, 40),
  };
}

describe("npm run dev", { timeout: 60_000 }, () => {
  it("brings the mail of a signup to the inbox, and leaves nothing running", async () => {
    const { origin, up, output, end } = await dev();
    await up();
    expect(output()).toContain(`Sign up   ${origin}/signup\nInbox     ${origin}/dev/mailbox\nDatabase  postgres://`);
    expect(output().match(/\n/g)?.length).toBeLessThanOrEqual(5);

    const body = new URLSearchParams({ email: "ada@example.com", password: "a long enough secret" });
    const { status } = await fetch(`${origin}/signup`, { method: "POST", body, redirect: "manual" });
    expect(status).toBe(303);
    await until("the mail is there", async () => (await inbox(origin)).includes("ada@example.com"));

    const pids = await pidsOf(output());
    expect(pids.map(isAlive)).toEqual([true, true]);
    expect(await end("SIGINT")).toMatchObject({ exitCode: 0 });
    await until("worker and Postgres are gone", () => !pids.some(isAlive));
    await expect(fetch(origin)).rejects.toThrow("fetch failed");
  });

  it("takes over what a killed run left, and knows its mails", async () => {
    const killed = await dev();
    await killed.up();
    await killed.end("SIGKILL");

    const { origin, up } = await dev();
    await up();

    expect(await inbox(origin)).toContain("ada@example.com");
    await until("the killed run's web is gone", () =>
      fetch(killed.origin).then(
        () => false,
        () => true,
      ),
    );
  });

  it("is found by the commands, and they say when it does not run", async () => {
    const { up, end } = await dev();
    await up();
    const events = await copyOfCommands();

    expect(await events({})).toMatchObject({ exit: 0, said: expect.stringContaining("SIGNED_UP") as string });
    const production = await events({ NODE_ENV: "production" });
    expect(production).toMatchObject({ exit: 1, said: expect.stringContaining("DATABASE_URL is required") as string });

    await end("SIGTERM");
    expect(await events({})).toEqual({
      exit: 1,
      said: "npm run dev does not run here. Start it, or set DATABASE_URL.\n",
    });
  });

  it("refuses in one line to run twice from one folder, and the first goes on", async () => {
    const first = await dev();
    await first.up();

    const second = await (await dev()).end();

    expect(second.exitCode).toBe(1);
    expect(second.output).toMatch(/^npm run dev runs here already.*\n$/);
    expect(await fetch(`${first.origin}/readyz`)).toMatchObject({ status: 200 });
  });

  it("says in one line that the port is taken, and starts nothing", async () => {
    const first = await dev();
    await first.up();
    const port = Number(new URL(first.origin).port);

    const second = await (await dev({ port, data: `${folder}/other` })).end();

    expect(second.exitCode).toBe(1);
    expect(second.output).toMatch(new RegExp(`^Port ${port} is taken.*\n$`));
  });
});

/** The commands in a project whose `.data` is the folder of the tests; resolves to what runs `npm run events` there. */
async function copyOfCommands() {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const copy = await mkdtemp(`${tmpdir()}/slim-signup-commands-`);
  for (const name of ["app", "cli", "dev", "package.json"])
    await cp(`${root}/${name}`, `${copy}/${name}`, { recursive: true });
  await symlink(`${root}/node_modules`, `${copy}/node_modules`);
  await symlink(folder, `${copy}/.data`);
  onTestFinished(() => rm(copy, { recursive: true }));
  return async (env: Record<string, string>) => {
    const command = run(`${copy}/cli/events.ts`, env);
    return { exit: await command.exited, said: command.output() };
  };
}

async function inbox(origin: string): Promise<string> {
  const response = await fetch(`${origin}/dev/mailbox`);
  return response.text();
}

/** The worker, which says it in its table, and Postgres, in the first line of its file. */
async function pidsOf(output: string): Promise<number[]> {
  const sql = postgres(/postgres:\S+/.exec(output)?.[0] ?? "", { max: 1 });
  const [worker] = await sql<{ pid: number }[]>`select pid from worker`;
  await sql.end();
  const [postmaster] = (await readFile(`${folder}/postgres/postmaster.pid`, "utf8")).split("\n");
  return [worker?.pid ?? 0, Number(postmaster)];
}
