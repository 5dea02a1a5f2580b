import { freePort } from "../../../dev/postgres.ts";
import type { Node } from "./patroni.ts";
import { startProgram, type Program } from "./programs.ts";
import { writeSettings } from "./settings.ts";

export type Proxy = Program & { port: number };

/** An HAProxy that connects to the leader: the node whose Patroni responds with 200 on /primary. */
export async function startHaproxy(folder: string, nodes: Node[]): Promise<Proxy> {
  const port = await freePort();
  const ports = nodes.flatMap(({ name, port, restPort }): [string, number][] => [
    [name.toUpperCase(), port],
    [`${name.toUpperCase()}_REST`, restPort],
  ]);
  const file = await writeSettings("haproxy.cfg", `${folder}/haproxy.cfg`, {
    HAPROXY_PORT: port,
    ...Object.fromEntries(ports),
  });
  return Object.assign(startProgram(folder, "haproxy", "/usr/sbin/haproxy", ["-db", "-f", file]), { port });
}

/** A pgbouncer in transaction mode before the server on that port. */
export async function startPgbouncer(folder: string, serverPort: number): Promise<Proxy> {
  const port = await freePort();
  const file = await writeSettings("pgbouncer.ini", `${folder}/pgbouncer.ini`, {
    HAPROXY_PORT: serverPort,
    PGBOUNCER_PORT: port,
  });
  return Object.assign(startProgram(folder, "pgbouncer", "/usr/sbin/pgbouncer", [file]), { port });
}
