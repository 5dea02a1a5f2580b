import { z } from "zod";
import { siteName } from "../../app/env.ts";
import { letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** The last mail to the address of a deleted account. Its row is gone, so the params hold the address. */
export function sendEmailFarewell(mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "farewell",
    subject: `Your account at ${siteName} is deleted`,
    params: z.object({ email: z.string().max(254) }),
    letter: ({ email }) => Promise.resolve({ to: email }),
  });
}
