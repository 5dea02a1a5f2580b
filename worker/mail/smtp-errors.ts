import { z } from "zod";

export type SmtpFailure = {
  /**
   * `no room`: the server closed the connection before it got a mail. `unclear`: it refuses this recipient, or us.
   * The other kinds are the errors of `engine/errors.ts`.
   */
  kind: "no room" | "unclear" | "service down" | "permanent" | "outcome unknown" | "retry";
  message: string;
};

// The errors of nodemailer. `command` is the stage of the dialogue, `originalCode` is Node's own code.
const smtpError = z.object({
  message: z.string(),
  code: z.string().catch(""),
  originalCode: z.string().catch(""),
  command: z.string().catch(""),
  response: z.string().catch(""),
  responseCode: z.number().optional().catch(undefined),
});

type SmtpError = z.infer<typeof smtpError>;

/** Classifies a failed dialogue. `isWhole`: the last byte of the mail was sent. */
export function readSmtpError(thrown: unknown, isWhole: boolean): SmtpFailure {
  const parsed = smtpError.safeParse(thrown);
  if (!parsed.success) return { kind: "retry", message: String(thrown) };
  const { message, code, originalCode, responseCode } = parsed.data;

  if (responseCode !== undefined) return readResponse(parsed.data, responseCode);
  if (isWhole) {
    return {
      kind: "outcome unknown",
      message: `The mail server received the whole mail and did not respond. ${message}`,
    };
  }
  if (code === "EENVELOPE" || code === "EMESSAGE") return { kind: "permanent", message };
  if (/CERT|CRL|UNABLE_TO|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/.test(originalCode)) {
    const advice = "renew it, or name the file of its authority in NODE_EXTRA_CA_CERTS";
    return {
      kind: "service down",
      message: `The mail server's certificate is not valid (${originalCode}): ${advice}. ${message}`,
    };
  }
  if (code === "ETIMEDOUT") return { kind: "retry", message: `The mail server did not respond in time. ${message}` };
  const isMisconfigured =
    /^(EAUTH|EDNS|ETLS)$/.test(code) || /^(EPROTO|ERR_SSL|ERR_TLS)/.test(originalCode) || /ECONNREFUSED/.test(message);
  return isMisconfigured ? { kind: "service down", message: `Check SMTP_URL. ${message}` } : { kind: "retry", message };
}

/** Reads the enhanced status code (RFC 3463) before the stage: Postfix refuses clients and senders at RCPT, too. */
function readResponse({ message, code, command, response }: SmtpError, responseCode: number): SmtpFailure {
  const isBeforeRecipient = !/^(RCPT|DATA)/.test(command);
  const [, subject, detail] = /^\d{3}[ -][45]\.(\d{1,3})\.(\d{1,3})/.exec(response) ?? [];
  const isForUs = { kind: "service down", message } as const;

  if (responseCode === 421) return isBeforeRecipient ? { kind: "no room", message } : isForUs;
  if (code === "EAUTH" && responseCode >= 500) {
    return { kind: "service down", message: `The mail server refuses the login: check SMTP_URL. ${message}` };
  }
  // x.1.7 and x.1.8 are about the sender's address. For an unknown one, Postfix says 5.1.0.
  if ((subject === "1" && /^[78]$/.test(detail!)) || /sender address rejected/i.test(response)) {
    return { kind: "service down", message: `Check MAIL_FROM. ${message}` };
  }
  // x.3.x is the server's state, but x.3.4 means that the mail is too big.
  const isServersState = subject === "3" && detail !== "4";
  if (isServersState && isBeforeRecipient) return isForUs;
  // The reason may also be the mail, or the recipient's own server behind this one.
  if (isServersState || (subject === "7" && command.startsWith("RCPT") && !/gr[ae]y-?list/i.test(response))) {
    return { kind: "unclear", message };
  }
  if (responseCode < 500) return { kind: "retry", message };
  if (detail === "4" && subject === "3") return { kind: "permanent", message };
  return isBeforeRecipient ? isForUs : { kind: "permanent", message };
}
