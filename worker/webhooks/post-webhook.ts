import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { errorText, failureOf, Permanent, RetryLater, Snooze } from "../engine/errors.ts";
import { id } from "../mail/mail-handler.ts";
import type { Answer, PostOutside } from "./post-outside.ts";
import type { ReceiverRoom } from "./receiver-room.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import { defineHandler, equalJitter, type Handler, type Task } from "../engine/task.ts";
import { askLeave, disable, noteFailure, notePause, noteSuccess, type Leave } from "./webhook-pace.ts";
import { createClearWay } from "./webhook-line.ts";
import { signatureHeaders } from "./webhook-signature.ts";

const params = z.object({
  webhook_id: id,
  /** The same at every attempt, and at those of a copy that somebody retries: receivers drop what they have had. */
  message_id: z.string().regex(/^[\w-]{1,100}$/),
  /** When it happened. */
  timestamp: z.string(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});

const mostSeconds = 3 * 24 * 3600;

/** Posts one event to one endpoint. What the endpoint's rate, its pause or this worker has no room for is put off. */
export function postWebhook(sql: Sql, post: PostOutside, room: ReceiverRoom): Handler {
  const clearWay = createClearWay(sql);
  return defineHandler({
    params,
    maxAttempts: 22,
    timeoutSeconds: 30,
    backoffSeconds: overTwoDays,
    // Receivers drop what they have had.
    afterUnknown: "retry",

    async run({ params, task, signal }) {
      const makeRoom = await room.enter(params.webhook_id);
      try {
        const leave = await askLeave(sql, params.webhook_id, !makeRoom);
        // The endpoint is gone: nobody is left to tell.
        if (!leave) return;
        if (leave.disabled !== null) throw new Permanent(`The endpoint is disabled: ${leave.disabled}`);
        if (leave.obstacle !== null) {
          if (leave.is_paused && isTooOld(task)) throw new Permanent("Not delivered within three days.");
          clearWay(params.webhook_id);
          throw new Snooze(leave.wait_seconds, leave.obstacle);
        }
        await delay(leave.wait_seconds * 1000, undefined, { signal });

        const answer = await post(leave.url, message(params, leave), signal).catch(async (error: unknown) => {
          // A worker that stops, and a URL that is refused for good, say nothing about the receiver.
          if (!signal.aborted && failureOf(error).kind === "retry") await noteFailure(sql, leave, errorText(error));
          throw error;
        });
        await heed(sql, leave, answer, task.attempt);
      } finally {
        makeRoom?.();
      }
    },
  });
}

/** To put a task off costs no attempt: for a receiver that is down for good, only its age ends it. */
const isTooOld = ({ claimed_at, born }: Task) => claimed_at.getTime() / 1000 - Number(born) > mostSeconds;

/** Does what the answer says, for the whole endpoint; throws unless it says that the message has come. */
async function heed(sql: Sql, leave: Leave, answer: Answer, attempt: number): Promise<void> {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    if (leave.failures > 0) await noteSuccess(sql, leave);
    return;
  }
  const error = `The receiver answered ${status}.`;
  if (status === 410) {
    await disable(sql, leave, error);
    throw new Permanent(error);
  }
  const wish = status === 429 || status === 503 ? retryAfterSeconds(answer, leave.sent_at * 1000) : undefined;
  if (wish !== undefined) {
    await notePause(sql, leave, wish);
    // The attempt counts: a short wish must not use them all up in a minute.
    throw new RetryLater(Math.max(wish, overTwoDays(attempt)), error);
  }
  await noteFailure(sql, leave, error);
  throw new Error(error);
}

function message({ message_id, type, timestamp, data }: z.infer<typeof params>, { secret, sent_at }: Leave) {
  const body = JSON.stringify({ type, timestamp, data });
  const signed = { id: message_id, timestamp: String(Math.floor(sent_at)), body };
  return { body, headers: { "content-type": "application/json", ...signatureHeaders(secret, signed) } };
}

/** 10 s, 50 s, 4 min, 21 min, 2 h, then every 6 h, and half of that at least: two days in all at least, four at most. */
function overTwoDays(attempt: number): number {
  return equalJitter(Math.min(10 * 5 ** (attempt - 1), 6 * 3600));
}
