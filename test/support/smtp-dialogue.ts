import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** Where in the dialogue the server responds; `end` is after the last byte of the mail. */
export type Stage = "greeting" | "EHLO" | "AUTH" | "MAIL" | "RCPT" | "DATA" | "end";

/** The response: a line with its code, silence, or the end of the connection. Undefined is success. */
export type Answer = `${number} ${string}` | "hang" | "cut" | undefined;

type Dialogue = {
  stage: Stage;
  /** Counted from 1. */ connection: number;
  /** Mails before this one. */ mails: number;
  /** The recipient, from RCPT on. */ to: string;
  /** This connection's place among those that are open, the oldest being 1. */ place: number;
};

/** A mail that arrived up to its last byte, accepted or not. */
type ScriptedMail = { id: string; to: string; date: string; raw: string };

export type ScriptedSmtp = {
  /** `smtp://127.0.0.1:…` */
  url: string;
  mails: ScriptedMail[];
  /** Connections so far. */
  connections: number;
  /** Each stage that was reached, in order. */
  stages: Stage[];
  /** Decides on each response. It can be replaced at any time. */
  script: (dialogue: Dialogue) => Answer | Promise<Answer>;
  /** Ends all open connections. */
  cut(): void;
  /** Refuses connections from now on. */
  close(): Promise<void>;
  /** Listens again on the same port. */
  open(): Promise<void>;
};

const good: Record<Stage, string> = {
  greeting: "220 scripted",
  EHLO: "250-scripted\r\n250 AUTH PLAIN",
  AUTH: "235 Welcome",
  MAIL: "250 OK",
  RCPT: "250 OK",
  DATA: "354 Go on",
  end: "250 Taken",
};

/** A real SMTP server that responds as its script decides, on a free port by default. */
export async function listenToMails(script: ScriptedSmtp["script"], onPort = 0): Promise<ScriptedSmtp> {
  const sockets = new Set<Socket>();
  let server: Server;
  const smtp: ScriptedSmtp = {
    url: "",
    mails: [],
    connections: 0,
    stages: [],
    script,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      smtp.cut();
      await closed;
    },
    open: () => listen(Number(new URL(smtp.url).port)),
  };

  async function listen(port: number): Promise<void> {
    server = createServer((socket) => {
      sockets.add(socket);
      // A killed client resets its connection.
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      converse(smtp, socket, sockets).catch(() => socket.destroy());
    }).listen(port, "127.0.0.1", 1000);
    await once(server, "listening");
  }

  await listen(onPort);
  const address = server!.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  smtp.url = `smtp://127.0.0.1:${address.port}`;
  return smtp;
}

async function converse(smtp: ScriptedSmtp, socket: Socket, sockets: Set<Socket>): Promise<void> {
  const connection = (smtp.connections += 1);
  const lines = linesOf(socket);
  let [to, mails] = ["", 0];

  /** The response, or undefined when the dialogue is over. */
  async function response(stage: Stage): Promise<string | undefined> {
    smtp.stages.push(stage);
    const said =
      (await smtp.script({ stage, connection, mails, to, place: [...sockets].indexOf(socket) + 1 })) ?? good[stage];
    if (said === "cut") socket.destroy();
    if (said === "hang" || said === "cut") return undefined;
    socket.write(`${said}\r\n`);
    return said;
  }

  if (!(await response("greeting"))) return;
  for await (const line of lines) {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "QUIT") return void socket.end("221 Bye\r\n");
    if (verb === "RSET") {
      socket.write("250 OK\r\n");
      continue;
    }
    if (verb === "RCPT") to = /<([^>]*)>/.exec(line)?.[1] ?? "";
    const said = await response(verb === "HELO" ? "EHLO" : (verb as Stage));
    if (!said) return;
    if (!said.startsWith("354")) continue;

    const raw = await mailOf(lines);
    if (raw === undefined) return;
    const header = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "im").exec(raw)?.[1] ?? "";
    smtp.mails.push({ id: header("Message-ID"), date: header("Date"), to, raw });
    if (!(await response("end"))) return;
    mails += 1;
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    const lines = (rest + String(chunk)).split("\r\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The mail up to the line with one dot; undefined when it is not complete. */
async function mailOf(lines: AsyncGenerator<string, undefined>): Promise<string | undefined> {
  const read: string[] = [];
  for (;;) {
    const { done, value } = await lines.next();
    if (done) return undefined;
    if (value === ".") return read.join("\n");
    read.push(value);
  }
}
