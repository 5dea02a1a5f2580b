import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";

/** A mail as it came in: its bytes, and whom the envelope names. */
export type IncomingMail = { raw: Buffer; from: string; to: string[] };

type Options = {
  /** Any free one when left out. */
  port?: number;
  /** The sender is told that the mail is taken when this has resolved, and to try again later when it throws. */
  onMail: (mail: IncomingMail) => Promise<void> | void;
};

export type Smtp = { url: string; stop(): Promise<void> };

/** A real mail server for this machine alone: it takes every mail and sends none on. */
export async function startSmtp({ port = 0, onMail }: Options): Promise<Smtp> {
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    // A pooled connection stays open while it is idle; stopping waits no longer than this for it.
    closeTimeout: 100,
    onData(stream, { envelope }, answer) {
      buffer(stream)
        .then((raw) => onMail({ raw, from: addressOf(envelope.mailFrom), to: envelope.rcptTo.map(addressOf) }))
        .then(() => answer(), answer);
    },
  });
  // A client that is killed resets its connection: nothing that this side could do about.
  server.on("error", () => {});

  const listener = server.listen(port, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port.");

  return {
    url: `smtp://127.0.0.1:${address.port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function addressOf(part: { address: string } | false): string {
  return part ? part.address : "";
}
