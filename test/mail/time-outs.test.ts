import { expect, it } from "vitest";
import { z } from "zod";
import { letterHandler } from "../../worker/mail/mail-handler.ts";
import { speedUpTimers } from "../support/faster-timers.ts";
import { mailWithWorkerTimeouts } from "../support/mail-to.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Stage } from "../support/smtp-dialogue.ts";

const { timeoutSeconds } = letterHandler(
  { send: () => Promise.resolve(), close: () => {} },
  { view: "welcome", subject: "Welcome", params: z.unknown(), letter: () => Promise.resolve(undefined) },
);

type Silence = Stage | "TLS";
const silences: Silence[] = ["greeting", "TLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "end"];

it("a mail to a server that falls silent, at whatever stage, fails before its task's time-out and says why", async () => {
  const sends = await Promise.all(
    silences.map(async (silence) => {
      const server = await scriptSmtp(({ stage }) => (stage === silence || silence === "TLS" ? "hang" : undefined));
      const scheme = silence === "TLS" ? "smtps" : "smtp";
      return mailWithWorkerTimeouts(server.url.replace("smtp://", `${scheme}://ada:secret@`));
    }),
  );
  const seconds = speedUpTimers();
  const failures = await Promise.all(
    sends.map(async (send) => ({ error: (await send()).error, isInTime: seconds() < timeoutSeconds })),
  );
  expect(failures).toEqual(
    silences.map(() => ({ error: expect.stringContaining("did not respond") as string, isInTime: true })),
  );
});

it("a mail for which all pooled connections turn out to be dead fails before its task's time-out", async () => {
  const seconds = speedUpTimers();
  const server = await scriptSmtp();
  const send = mailWithWorkerTimeouts(server.url, 3);
  const all = Promise.withResolvers<undefined>();
  server.script = ({ stage, place }) => {
    if (place === 3) all.resolve(undefined);
    return stage === "greeting" ? all.promise : undefined;
  };
  await Promise.all([send(), send(), send()]);
  expect(server.connections).toBe(3);

  server.script = () => "hang";
  const before = seconds();
  expect((await send()).outcome).toBe("retry");
  expect(seconds() - before).toBeLessThan(timeoutSeconds);
});
