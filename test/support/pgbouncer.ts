import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { freePort } from "../../dev/postgres.ts";
import { cleanUp } from "./clean-up.ts";
import { endWithRun } from "./processes.ts";
import { until } from "./until.ts";

/** A pgbouncer in transaction mode before the database of that URL, until the end of the test. */
export async function poolTransactions(databaseUrl: string): Promise<string> {
  const { url, stop } = await startPgbouncer(databaseUrl, 3);
  cleanUp(stop);
  return url;
}

/** A pgbouncer in transaction mode before that server, with so many connections to each database. */
export async function startPgbouncer(databaseUrl: string, poolSize: number) {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const listenPort = await freePort();
  const folder = await mkdtemp(`${tmpdir()}/signup-pgbouncer-`);
  await chmod(folder, 0o755);
  const settings = `
    [databases]
    * = host=${hostname} port=${port} user=${username} password=${password}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${listenPort}
    unix_socket_dir =
    auth_type = any
    pool_mode = transaction
    default_pool_size = ${poolSize}
    max_client_conn = 500
  `;
  const file = `${folder}/pgbouncer.ini`;
  await writeFile(file, settings.replace(/^ +/gm, ""), { mode: 0o644 });

  // It refuses to run as root.
  const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn("/usr/sbin/pgbouncer", [...asNobody, file], { stdio: ["ignore", "ignore", "pipe"] });
  endWithRun(child);
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const stop = async () => {
    const closed = once(child, "close");
    if (child.exitCode === null && child.kill("SIGKILL")) await closed;
    await rm(folder, { recursive: true, force: true });
  };

  await until("the pooler listens", async () => {
    if (child.exitCode !== null) throw new Error(printed);
    const socket = connect(listenPort, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isOpen;
  });
  return { url: `postgres://postgres@127.0.0.1:${listenPort}${pathname}`, stop };
}
