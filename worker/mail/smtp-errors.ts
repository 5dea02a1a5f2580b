import { z } from "zod";
import { outcomeUnknown, outsideDown, permanent } from "../verdict.ts";

// What nodemailer puts on its errors; `command` is the stage of the dialogue.
const smtpError = z.object({
  message: z.string(),
  code: z.string().catch(""),
  command: z.string().catch(""),
  responseCode: z.number().optional().catch(undefined),
});

/** What a failed dialogue means for the task. `isWhole`: the last byte of the mail had been handed over. */
export function judgeSmtp(thrown: unknown, isWhole: boolean): unknown {
  const parsed = smtpError.safeParse(thrown);
  if (!parsed.success) return thrown;
  const { message, code, command, responseCode } = parsed.data;

  if (responseCode === 421) return outsideDown(message, thrown);
  if (responseCode !== undefined && responseCode < 500) return thrown;
  if (code === "EAUTH") return outsideDown(`The mail server refuses the login: check SMTP_URL. ${message}`, thrown);
  // Before the recipient is named, it is us whom the server does not want.
  const isOurFault = !/^(RCPT|DATA)/.test(command);
  if (responseCode !== undefined) return isOurFault ? outsideDown(message, thrown) : permanent(message, thrown);
  if (isWhole) return outcomeUnknown(`The mail server had the whole mail and did not answer. ${message}`, thrown);
  if (code === "EENVELOPE" || code === "EMESSAGE") return permanent(message, thrown);
  const isRefused = code === "EDNS" || code === "ETLS" || message.includes("ECONNREFUSED");
  return isRefused ? outsideDown(`Check SMTP_URL. ${message}`, thrown) : thrown;
}
