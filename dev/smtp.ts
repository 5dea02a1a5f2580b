import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";

/** The bytes of a mail, and the addresses of its envelope. */
export type IncomingMail = { raw: Buffer; from: string; to: string[] };

type Options = {
  /** Default: a free one. */
  port?: number;
  /** The mail is accepted when this resolves, and refused for now when it throws. */
  onMail: (mail: IncomingMail) => Promise<void> | void;
};

export type Smtp = { url: string; stop(): Promise<void> };

/** A real SMTP server for this machine only. It accepts every mail and relays none. */
export async function startSmtp({ port = 0, onMail }: Options): Promise<Smtp> {
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    // How long stopping waits for idle pooled connections.
    closeTimeout: 100,
    onData(stream, { envelope }, answer) {
      buffer(stream)
        .then((raw) => onMail({ raw, from: addressOf(envelope.mailFrom), to: envelope.rcptTo.map(addressOf) }))
        .then(() => answer(), answer);
    },
  });
  // A killed client resets its connection.
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
