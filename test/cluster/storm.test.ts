import { describe, expect, it } from "vitest";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { table, writeTable } from "../support/cluster/report.ts";
import { runStorm } from "../support/cluster/storm.ts";

// The same seed draws the same faults: CLUSTER_SEED=… npm run test:cluster
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env["CLUSTER_FAULTS"] ?? 22);
// The figures for docs/growing.md, three of each kind: CLUSTER_WRITE=1 CLUSTER_FAULTS=45 npm run test:cluster
const isWriting = Boolean(process.env["CLUSTER_WRITE"]);

const unharmed = { violations: {}, restarted: [], dead: [], exits: [] };

describe.skipIf(await reasonToSkip())("a storm of faults of a cluster", () => {
  it("loses nothing through pgbouncer and HAProxy", { timeout: 1_200_000 }, async () => {
    console.log(`CLUSTER_SEED=${seed}`);
    const { outages, ...harm } = await runStorm({ seed, by: "pgbouncer", count });
    console.log(table(outages));
    expect(harm).toEqual(unharmed);
    if (isWriting) await writeTable("pgbouncer", outages);
  });

  it("loses nothing with the names of all hosts in DATABASE_URL", { timeout: 600_000 }, async () => {
    console.log(`CLUSTER_SEED=${seed}`);
    const kinds = [
      "The leader's Postgres is killed",
      "The leader's Postgres is frozen until another leads",
      "The leader's Patroni is frozen until another leads",
      "The leader's machine fails",
      "patronictl switchover",
    ] as const;
    const { outages, ...harm } = await runStorm({ seed, by: "hosts", count: kinds.length, kinds });
    console.log(table(outages));
    expect(harm).toEqual(unharmed);
    if (isWriting) await writeTable("hosts", outages);
  });
});
