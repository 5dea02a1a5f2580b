import { describe, expect, it } from "vitest";
import { backlogs, measureClaims } from "../support/claim-cost.ts";

const sizes = [100_000, 1_000_000];
const mostGrowth = 1.25;

describe.each(backlogs)("a backlog of a million tasks that are %s", (backlog) => {
  it("makes a claim touch at most a quarter more buffers than one of 100,000", async () => {
    const [small, large] = await measureClaims(backlog, sizes);
    expect(large!.both / small!.both).toBeLessThanOrEqual(mostGrowth);
  });
});
