import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createKnownOver } from "../../app/http/known-over.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

it("knows who is over a limit until it ends", () => {
  const known = createKnownOver();
  expect(known.secondsLeft("one")).toBeUndefined();
  known.note("one", 60);
  expect(known.secondsLeft("one")).toBe(60);
  expect(known.secondsLeft("other")).toBeUndefined();
  vi.advanceTimersByTime(59_500);
  expect(known.secondsLeft("one")).toBe(1);
  vi.advanceTimersByTime(500);
  expect(known.secondsLeft("one")).toBeUndefined();
});

it("forgets the oldest of too many", () => {
  const known = createKnownOver();
  for (let n = 0; n < 10_001; n += 1) known.note(String(n), 60);
  expect(known.secondsLeft("0")).toBeUndefined();
  expect(known.secondsLeft("1")).toBe(60);
  expect(known.secondsLeft("10000")).toBe(60);
});
