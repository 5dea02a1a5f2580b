import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { letterHandler } from "../../worker/mail/mail-handler.ts";

const mailer = { send: () => Promise.resolve(), close: () => {} };
const letter = {
  view: "welcome",
  subject: "Welcome",
  params: z.unknown(),
  letter: () => Promise.resolve(undefined),
};
const handler = letterHandler(mailer, letter);

afterEach(() => vi.restoreAllMocks());

/** Seconds before the second, third, … attempt, if the jitter draws these numbers in turn. */
function waits(...draws: number[]): number[] {
  const random = vi.spyOn(Math, "random");
  return Array.from({ length: handler.maxAttempts - 1 }, (_, n) => {
    random.mockReturnValue(draws[n % draws.length]!);
    return handler.backoffSeconds(n + 1);
  });
}

const most = 1 - Number.EPSILON;

describe.each([
  [0, 0],
  [0, most],
  [most, 0],
  [most, most],
])("a mail that is tried again, with jitter of %d and %d", (...draws) => {
  it("gets through greylisting of 300 s within 6 minutes, from its first or its second attempt on", () => {
    const [second = 0, third = 0] = waits(...draws);
    // 5 s are left for the attempts themselves.
    for (const wait of [third, second + third]) {
      expect(wait).toBeGreaterThan(300);
      expect(wait).toBeLessThanOrEqual(355);
    }
  });

  it("makes its last attempt after more than a day", () => {
    const day = 24 * 3600;
    expect(waits(...draws).reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(day);
  });
});

it("spreads mails that failed together, at every attempt", () => {
  const [least, longest] = [waits(0), waits(most)];
  least.forEach((wait, n) => expect(longest[n]! - wait).toBeGreaterThan(9));
});

it("has five attempts, unless its type has a limit of its own", () => {
  expect(handler.maxAttempts).toBe(5);
  expect(letterHandler(mailer, { ...letter, maxAttempts: 3 })).toMatchObject({ maxAttempts: 3, timeoutSeconds: 60 });
});
