import { freePort } from "../../../dev/postgres.ts";
import { startProgram, type Program } from "./programs.ts";
import { writeSettings } from "./settings.ts";

/** A Postgres server with the Patroni that runs it. */
export type Node = {
  name: string;
  patroni: Program;
  /** Ports of Postgres and of Patroni's REST API. */
  port: number;
  restPort: number;
  /** The data folder of Postgres. */
  data: string;
  /** Patroni's configuration. */
  file: string;
};

type Options = { folder: string; programs: string; name: string; etcd: string[]; isSynchronous: boolean };

/** Starts a node that finds the others, or becomes the first, through etcd. */
export async function startNode({ folder, programs, name, etcd, isSynchronous }: Options): Promise<Node> {
  const [port, restPort] = [await freePort(), await freePort()];
  const data = `${folder}/${name}`;
  const file = await writeSettings("patroni.yml", `${folder}/${name}.yml`, {
    NAME: name,
    FOLDER: folder,
    PROGRAMS: programs,
    PORT: port,
    REST_PORT: restPort,
    ETCD: etcd.map((url) => new URL(url).host).join(", "),
    SYNCHRONOUS: String(isSynchronous),
  });
  return { name, port, restPort, data, file, patroni: startProgram(folder, name, "/usr/bin/patroni", [file]) };
}

export type Status = {
  role: string;
  replication?: { application_name: string; state: string }[];
};

/** What Patroni's REST API says about its node; undefined while it does not respond. `/primary`: if it leads. */
export const ask = (node: Node, path: "/patroni" | "/primary") => get<Status>(node, path);

/** The synchronous standby of the cluster, by etcd: the only node that may take over. */
export async function synchronousStandby(node: Node): Promise<string | undefined> {
  const cluster = await get<{ members: { name: string; role: string }[] }>(node, "/cluster");
  return cluster?.members.find(({ role }) => role === "sync_standby")?.name;
}

async function get<Body>({ restPort }: Node, path: string): Promise<Body | undefined> {
  const signal = AbortSignal.timeout(2000);
  return fetch(`http://127.0.0.1:${restPort}${path}`, { signal }).then(
    (response) => (response.ok ? (response.json() as Promise<Body>) : undefined),
    () => undefined,
  );
}
