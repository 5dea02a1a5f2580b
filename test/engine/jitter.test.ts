import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineHandler, equalJitter } from "../../worker/engine/task.ts";

const draws = 200;
const draw = (next: () => number) => Array.from({ length: draws }, next);

describe("equal jitter", () => {
  it("draws from half to all of the delay, and both halves of that", () => {
    const delays = draw(() => equalJitter(60));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(30);
    expect(Math.max(...delays)).toBeLessThanOrEqual(60);
    expect(delays.filter((delay) => delay < 45).length).toBeGreaterThan(draws / 10);
    expect(delays.filter((delay) => delay > 45).length).toBeGreaterThan(draws / 10);
  });

  it("is part of every back-off, so that tasks that failed together come back apart", () => {
    const retried = defineHandler({ params: z.unknown(), async run() {} });
    expect(new Set(draw(() => retried.backoffSeconds(5))).size).toBeGreaterThan(draws / 2);
  });
});
