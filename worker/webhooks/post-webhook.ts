import { createHmac } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { errorText, failureOf, Permanent, RetryLater, Snooze } from "../engine/errors.ts";
import { defineHandler, equalJitter, type Handler, type Task } from "../engine/task.ts";
import { id } from "../mail/mail-handler.ts";
import type { Answer, Post } from "./http-post.ts";
import type { ReceiverLimit } from "./receiver-limit.ts";
import { createSnoozeDue } from "./snooze-due.ts";
import { disable, recordFailure, recordPause, recordSuccess, takeSlot, type Slot } from "./take-slot.ts";

const params = z.object({
  webhook_id: id,
  /** The same in every attempt and every manual retry: receivers drop an id that they have seen. */
  message_id: z.string().regex(/^[\w-]{1,100}$/),
  /** When the event happened. */
  timestamp: z.string(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});

const mostSeconds = 3 * 24 * 3600;

/** Posts one event to one endpoint. Snoozes while the endpoint is paused, over its rate, or slow. */
export function postWebhook(sql: Sql, post: Post, limit: ReceiverLimit): Handler {
  const snoozeDue = createSnoozeDue(sql);
  return defineHandler({
    params,
    maxAttempts: 22,
    timeoutSeconds: 30,
    backoffSeconds: overTwoDays,
    // Receivers drop duplicates by message id.
    afterUnknown: "retry",

    async run({ params, task, signal }) {
      const leave = await limit.enter(params.webhook_id);
      try {
        const slot = await takeSlot(sql, params.webhook_id, !leave);
        // The endpoint was deleted.
        if (!slot) return;
        if (slot.disabled !== null) throw new Permanent(`The endpoint is disabled: ${slot.disabled}`);
        if (slot.obstacle !== null) {
          if (slot.is_paused && isTooOld(task)) throw new Permanent("Not delivered within three days.");
          snoozeDue(params.webhook_id);
          throw new Snooze(slot.wait_seconds, slot.obstacle);
        }
        await delay(slot.wait_seconds * 1000, undefined, { signal });

        const answer = await post(slot.url, message(params, slot), signal).catch(async (error: unknown) => {
          // A shutdown of the worker or a forbidden URL says nothing about the receiver.
          if (!signal.aborted && failureOf(error).kind === "retry") await recordFailure(sql, slot, errorText(error));
          throw error;
        });
        await recordAnswer(sql, slot, answer, task.attempt);
      } finally {
        leave?.();
      }
    },
  });
}

/** A snooze costs no attempt, so a delivery to a receiver that stays down is ended by its age. */
const isTooOld = ({ claimed_at, born }: Task) => claimed_at.getTime() / 1000 - Number(born) > mostSeconds;

/** Records what the response means for the endpoint. Throws unless the message was accepted. */
async function recordAnswer(sql: Sql, slot: Slot, answer: Answer, attempt: number): Promise<void> {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    if (slot.failures > 0) await recordSuccess(sql, slot);
    return;
  }
  const error = `The receiver responded with ${status}.`;
  // Otherwise it was disabled before, or it has another URL by now: the next attempt finds out.
  if (status === 410) throw (await disable(sql, slot, error)) ? new Permanent(error) : new Error(error);
  const retryAfter = status === 429 || status === 503 ? retryAfterSeconds(answer, slot.sent_at * 1000) : undefined;
  if (retryAfter !== undefined) {
    await recordPause(sql, slot, retryAfter);
    // The attempt counts: a short Retry-After must not use up all attempts in a minute.
    throw new RetryLater(Math.max(retryAfter, overTwoDays(attempt)), error);
  }
  await recordFailure(sql, slot, error);
  throw new Error(error);
}

/** 10 s, 50 s, 4 min, 21 min, 2 h, then 6 h each, less up to half by jitter: two to four days in all. */
function overTwoDays(attempt: number): number {
  return equalJitter(Math.min(10 * 5 ** (attempt - 1), 6 * 3600));
}

const longestRetryAfterSeconds = 24 * 3600;

/**
 * The seconds in a response's `Retry-After` (RFC 9110: seconds or a date), at most a day. Undefined if it has none. A
 * date is compared with the response's own `Date`, or else with our clock, in milliseconds.
 */
export function retryAfterSeconds({ retryAfter, date }: Answer, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const theirs = Date.parse(date ?? "");
  const isSeconds = /^\d+$/.test(retryAfter);
  // A date begins with its weekday; V8 would parse "-5" as a date, too.
  const asked = /^[A-Z]/i.test(retryAfter) ? Date.parse(retryAfter) : NaN;
  const seconds = isSeconds ? Number(retryAfter) : (asked - (theirs || now)) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), longestRetryAfterSeconds);
}

function message({ message_id, type, timestamp, data }: z.infer<typeof params>, { secrets, sent_at }: Slot) {
  const body = JSON.stringify({ type, timestamp, data });
  const signed = { id: message_id, timestamp: String(Math.floor(sent_at)), body };
  return { body, headers: { "content-type": "application/json", ...signatureHeaders(secrets, signed) } };
}

/** The message's id, seconds since 1970 as text, and the body as it is sent. */
type Signed = { id: string; timestamp: string; body: string };

/**
 * The headers of "Standard Webhooks" 1.0: sender, age and id of a message. Each secret is `whsec_` and base64, and adds a
 * signature.
 */
export function signatureHeaders(secrets: string[], { id, timestamp, body }: Signed): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
