import { describe, expect, it } from "vitest";
import { backlogs, measureClaims } from "../support/claim-cost.ts";

const sizes = [100_000, 1_000_000, ...(process.env.SIZES === "full" ? [10_000_000] : [])];
const mostGrowth = 1.25;

describe.each(backlogs)("a backlog of tasks that are %s", (backlog) => {
  it("makes a claim touch at most a quarter more buffers when it is ten times as big", async () => {
    const costs = await measureClaims(backlog, sizes);
    console.log(`${backlog}: ${costs.map(({ both }) => Math.round(both)).join(", ")} buffers`);
    for (const [step, { both }] of costs.slice(1).entries()) {
      expect(both / costs[step]!.both).toBeLessThanOrEqual(mostGrowth);
    }
  }, 900_000);
});
