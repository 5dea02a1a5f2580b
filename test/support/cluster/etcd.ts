import { freePort } from "../../../dev/postgres.ts";
import { until } from "../until.ts";
import { startProgram, type Program } from "./programs.ts";

export type Etcd = Program & { url: string };

/** Three members of etcd, which elect a leader within about a second. */
export async function startEtcd(folder: string): Promise<Etcd[]> {
  const names = ["etcd.1", "etcd.2", "etcd.3"];
  const addresses = await Promise.all(
    names.map(async (name) => ({ name, client: await address(), peer: await address() })),
  );
  const members = addresses.map(({ name, peer }) => `${name}=${peer}`).join(",");

  const etcd = addresses.map(({ name, client, peer }) => {
    const settings = [
      `--name=${name}`,
      `--data-dir=${folder}/${name}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${members}`,
      "--log-level=warn",
      "--enable-v2=true",
    ];
    return Object.assign(startProgram(folder, name, "/usr/bin/etcd", settings), { url: client });
  });
  await until("etcd is healthy", () => areHealthy(etcd), 60);
  return etcd;
}

const address = async () => `http://127.0.0.1:${await freePort()}`;

/** Whether each member responds and knows a leader. */
export async function areHealthy(etcd: Etcd[]): Promise<boolean> {
  const responses = etcd.map(({ url }) =>
    fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) }).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return (await Promise.all(responses)).every(Boolean);
}
