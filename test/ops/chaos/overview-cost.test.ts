import { describe, expect, it } from "vitest";
import { burdens, measureOverviews } from "../overview-cost.ts";

const sizes = [100_000, 1_000_000, ...(process.env.SIZES === "full" ? [10_000_000] : [])];

describe.each(burdens)("an overview of tasks that are %s", (burden) => {
  it("touches as many buffers when there are ten times as many", async () => {
    const costs = await measureOverviews(burden, sizes);
    console.log(`${burden}: ${costs.map(Math.round).join(", ")} buffers`);
    for (const [step, cost] of costs.slice(1).entries()) expect(cost / costs[step]!).toBeLessThanOrEqual(1.1);
  }, 900_000);
});
