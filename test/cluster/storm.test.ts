import { describe, expect, it } from "vitest";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { table, writeTable } from "../support/cluster/report.ts";
import { runStorm } from "../support/cluster/storm.ts";

// The same seed draws the same faults: CLUSTER_SEED=… npm run test:cluster
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env["CLUSTER_FAULTS"] ?? 22);

const unharmed = { violations: {}, restarted: [], dead: [], exits: [] };

describe.skipIf(await reasonToSkip())("a storm of faults of a cluster", () => {
  it("loses nothing through pgbouncer and HAProxy", { timeout: 1_200_000 }, async () => {
    console.log(`CLUSTER_SEED=${seed}`);
    const { outages, ...harm } = await runStorm({ seed, by: "pgbouncer", count });
    console.log(table(outages));
    expect(harm).toEqual(unharmed);
    // The figures for docs/growing.md: CLUSTER_WRITE=1 npm run test:cluster
    if (process.env["CLUSTER_WRITE"]) await writeTable(outages);
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
  });
});
