import { describe, expect, it } from "vitest";
import { measureWal } from "../support/claim-wal.ts";

const mostBytes = 320;

describe.each([20, 100, 500])("claims of %i tasks", (batch) => {
  it(`write at most ${mostBytes} bytes of WAL for each task that is claimed and finished`, async () => {
    const { claim, finish } = await measureWal(batch);
    // A figure of zero means that the statements were not counted.
    expect(Math.min(claim, finish)).toBeGreaterThan(0);
    expect(claim + finish).toBeLessThanOrEqual(mostBytes);
  });
});
