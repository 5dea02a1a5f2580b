import { writeFile } from "node:fs/promises";
import { freePort } from "../../../dev/postgres.ts";
import type { Node } from "./patroni.ts";
import { startProgram, type Program } from "./programs.ts";

export type Proxy = Program & { port: number };

/** An HAProxy that connects to the leader: the node whose Patroni answers 200 on /primary. */
export async function startHaproxy(folder: string, nodes: Node[]): Promise<Proxy> {
  const port = await freePort();
  const servers = nodes.map(({ name, port, restPort }) => `server ${name} 127.0.0.1:${port} check port ${restPort}`);
  const settings = `
    defaults
      mode tcp
      timeout connect 2s
      timeout check 2s
      timeout client 30m
      timeout server 30m
      # A retry would wait a second for the old leader.
      retries 0
    listen leader
      bind 127.0.0.1:${port}
      option httpchk OPTIONS /primary
      http-check expect status 200
      # Without the last word, clients would stay connected to a leader that was demoted.
      default-server inter 500ms fastinter 100ms fall 2 rise 1 on-marked-down shutdown-sessions
      ${servers.join("\n      ")}
  `;
  const file = `${folder}/haproxy.cfg`;
  await writeFile(file, `${settings.replace(/^ {4}/gm, "")}\n`);
  return Object.assign(startProgram(folder, "haproxy", "/usr/sbin/haproxy", ["-db", "-f", file]), { port });
}

/** A pgbouncer in transaction mode before the server on that port. */
export async function startPgbouncer(folder: string, serverPort: number): Promise<Proxy> {
  const port = await freePort();
  const settings = `
    [databases]
    * = host=127.0.0.1 port=${serverPort} user=postgres password=superuser
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${port}
    unix_socket_dir =
    auth_type = any
    pool_mode = transaction
    default_pool_size = 20
    max_client_conn = 200
    # After a failover, clients must not wait long for a dead server. The defaults are 15, 15 and 120 seconds.
    server_connect_timeout = 3
    server_login_retry = 0.2
    query_wait_timeout = 4
  `;
  const file = `${folder}/pgbouncer.ini`;
  await writeFile(file, settings.replace(/^ +/gm, ""));
  return Object.assign(startProgram(folder, "pgbouncer", "/usr/sbin/pgbouncer", [file]), { port });
}
