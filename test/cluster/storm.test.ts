import { describe, expect, it } from "vitest";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { table, writeTable } from "../support/cluster/report.ts";
import { runStorm } from "../support/cluster/storm.ts";

// The same seed draws the same faults: CLUSTER_SEED=… npm run test:cluster
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env["CLUSTER_FAULTS"] ?? 22);

describe.skipIf(await reasonToSkip())("a storm of faults of a cluster", () => {
  it("loses nothing", { timeout: 1_200_000 }, async () => {
    console.log(`CLUSTER_SEED=${seed}`);
    const { outages, ...harm } = await runStorm(seed, count);
    console.log(table(outages));
    expect(harm).toEqual({ violations: {}, restarted: [], dead: [], exits: [] });
    // The figures for docs/growing.md, three of each kind: CLUSTER_WRITE=1 CLUSTER_FAULTS=45 npm run test:cluster
    if (process.env["CLUSTER_WRITE"]) await writeTable(outages);
  });
});
