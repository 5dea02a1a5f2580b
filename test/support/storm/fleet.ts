import { readFile } from "node:fs/promises";
import { freePort } from "../../../dev/postgres.ts";
import { cleanUp } from "../clean-up.ts";
import { run, type Process } from "../processes.ts";
import { until } from "../until.ts";

export type Member = {
  name: string;
  /** Of a web process: where it listens. */
  url?: string;
  process: Process;
  /** How often it was killed by the storm. */
  kills: number;
  /** What it printed before it was started anew. */
  past: string;
  start(): Process;
};

export type Fleet = {
  members: Member[];
  webs: Member[];
  workers: Member[];
  /** SIGKILL, and after so many seconds a start, as a supervisor would do. */
  kill(member: Member, pauseSeconds: () => Promise<unknown>): Promise<void>;
  /** Those that ended without being killed. */
  fallen: () => string[];
};

/** Web ×2 and worker ×3, each a process of its own. */
export async function launch(databaseUrl: string, smtpUrl: string): Promise<Fleet> {
  const dying = new WeakSet<Process>();
  const fallen: string[] = [];
  const members: Member[] = [];

  function add(name: string, entry: string, env: Record<string, string>, url?: string): Member {
    const start = () => {
      const process = run(entry, { DATABASE_URL: databaseUrl, ...env });
      void process.exited.then(
        (code) => dying.has(process) || fallen.push(`${name}: ${code} ${process.output().slice(-500)}`),
      );
      return process;
    };
    const member: Member = { name, process: start(), kills: 0, past: "", start, ...(url ? { url } : {}) };
    members.push(member);
    cleanUp(() => {
      dying.add(member.process);
      return member.process.end("SIGKILL");
    });
    return member;
  }

  const webs: Member[] = [];
  for (const name of ["web.1", "web.2"]) {
    const port = String(await freePort());
    webs.push(add(name, "app/main.ts", { PORT: port, TRUST_PROXY: "1" }, `http://127.0.0.1:${port}`));
  }
  const mail = {
    SMTP_URL: smtpUrl,
    MAIL_FROM: "slim-signup <hello@example.com>",
    ORIGIN: "https://signup.example.com",
  };
  const clock = { NODE_OPTIONS: "--import ./test/support/shifted-clock.ts", CLOCK_SHIFT_DAYS: "0" };
  const workers = ["worker.1", "worker.2", "worker.3"].map((name) =>
    add(name, "test/support/chaos-worker.ts", { ...mail, ...clock, CHAOS_LEASE_SECONDS: "3" }),
  );
  await Promise.all([...webs.map(isReady), ...workers.map(hasJoined)]);

  return {
    members,
    webs,
    workers,
    fallen: () => fallen,
    async kill(member, pause) {
      const { process } = member;
      if (dying.has(process)) return;
      dying.add(process);
      await process.end("SIGKILL");
      await pause();
      member.kills += 1;
      member.past += process.output();
      member.process = member.start();
    },
  };
}

/** Resolves when the web process reaches its database. */
export function isReady({ name, url }: Member): Promise<unknown> {
  const ask = () =>
    fetch(`${url}/readyz`, { signal: AbortSignal.timeout(6000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  return until(`${name} is ready`, ask, 40);
}

/** Resolves when the worker, as it runs now, has had a session. */
export const hasJoined = ({ name, process }: Member) =>
  until(`${name} joins`, () => process.output().includes('"joined"'), 30);

/** Resident memory in MB. */
export async function residentMegabytes({ process }: Member): Promise<number> {
  const status = await readFile(`/proc/${process.child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
