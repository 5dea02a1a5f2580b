import { describe, expect, it } from "vitest";
import { backlogs, measureClaims } from "../support/claim-cost.ts";

const sizes = [1_000, 10_000, 100_000];
const mostGrowth = 1.25;

describe.each(backlogs)("a backlog that is %s", (backlog) => {
  it("makes a claim touch at most a quarter more buffers for each tenfold", async () => {
    const costs = await measureClaims(backlog, sizes);
    for (const [nth, { both }] of costs.slice(1).entries())
      expect(both / costs[nth]!.both).toBeLessThanOrEqual(mostGrowth);
  }, 60_000);
});
