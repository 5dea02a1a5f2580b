import { describe, expect, it } from "vitest";
import { backlogs, measureClaims } from "../support/claim-cost.ts";

const sizes = [1_000, 10_000, 100_000];
const mostGrowth = 1.25;
const mostBuffers = 278;

describe.each(backlogs)("a backlog that is %s", (backlog) => {
  it("makes a claim touch at most a quarter more buffers for each tenfold", async () => {
    const costs = await measureClaims(backlog, sizes);
    for (const [nth, { both }] of costs.slice(1).entries())
      expect(both / costs[nth]!.both).toBeLessThanOrEqual(mostGrowth);
  }, 60_000);
});

describe("4,000 running tasks in front", () => {
  it("cost a claim from the lane cache no buffer, and finding lanes a third of one each", async () => {
    const [alone, behind] = await measureClaims("running", [0, 4_000]);
    expect(behind!.claim).toBeLessThanOrEqual(Math.min(1.05 * alone!.claim, mostBuffers));
    expect(behind!.find - alone!.find).toBeLessThanOrEqual(4_000 / 3);
  }, 60_000);
});
