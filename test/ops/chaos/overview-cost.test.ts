import { describe, expect, it } from "vitest";
import { burdens, measureOverviews } from "../overview-cost.ts";

describe.each(burdens)("an overview of tasks that are %s", (burden) => {
  it("touches as many buffers with a million as with a hundred thousand", async () => {
    const costs = await measureOverviews(burden, [100_000, 1_000_000]);
    console.log(`${burden}: ${costs.map(Math.round).join(", ")} buffers`);
    expect(costs[1]! / costs[0]!).toBeLessThanOrEqual(1.1);
  }, 300_000);
});
