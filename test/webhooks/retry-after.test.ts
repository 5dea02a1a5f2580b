import { expect, it } from "vitest";
import { retryAfterSeconds } from "../../worker/webhooks/post-webhook.ts";

const now = Date.parse("2026-11-20T10:00:00Z");

it.each([
  ["nothing", undefined, undefined, undefined],
  ["seconds", "120", undefined, 120],
  ["no time at all", "0", undefined, 1],
  ["a date, by our clock", "Fri, 20 Nov 2026 10:01:00 GMT", undefined, 60],
  ["a date, by the clock that it was read from", "Fri, 20 Nov 2026 10:01:00 GMT", "Fri, 20 Nov 2026 10:00:30 GMT", 30],
  ["a date that has passed", "Thu, 01 Jan 1970 00:00:00 GMT", undefined, 1],
  ["a year", "31536000", undefined, 24 * 3600],
  ["more than any number", "9".repeat(400), undefined, 24 * 3600],
  ["nonsense", "soon", undefined, undefined],
  ["less than nothing", "-5", undefined, undefined],
])("follows %s, for at most a day", (_, retryAfter, date, seconds) => {
  expect(retryAfterSeconds({ status: 503, retryAfter, date }, now)).toBe(seconds);
});
