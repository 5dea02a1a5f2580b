import { timeZone } from "../../app/env.ts";
import { defineModule } from "../module.ts";
import { enqueueDigests } from "./enqueue-digests.ts";
import { sendEmailDigest } from "./send-email-digest.ts";

/** Mails each operator a daily summary of the day before. */
export const digest = defineModule({
  requires: ["ops"],
  env: { TZ_OPS: timeZone() },

  createHandlers: ({ sql, mailer, env }) => ({
    ENQUEUE_DIGESTS: enqueueDigests(env.TZ_OPS),
    SEND_EMAIL_DIGEST: sendEmailDigest(sql, mailer),
  }),

  schedule: ({ TZ_OPS }) => [{ name: "digests", task_type: "ENQUEUE_DIGESTS", daily_at: "08:00", time_zone: TZ_OPS }],
});
