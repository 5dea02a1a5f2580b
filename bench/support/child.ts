import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

type Message = Record<string, unknown> & { type: string };

/** A measured process. */
export type Child = AsyncDisposable & {
  pid: number;
  send: (type: string, data?: object) => void;
  /** Resolves with the next message of the type. Throws when the process ends before, or after 5 minutes. */
  receive: (type: string) => Promise<Message>;
  /** Calls back for each message of the type. */
  onMessage: (type: string, listener: (message: Message) => void) => void;
  /** Resolves when stdout holds the text. */
  printed: (text: string) => Promise<void>;
  /** Rejects when the process ends. */
  ended: Promise<never>;
  /** Sends SIGTERM, and SIGKILL if that does not end it. */
  end: () => Promise<void>;
};

type Options = {
  env?: Record<string, string>;
  /** An entry of the app knows nothing of the benchmark: a preloaded module ends it with us. */
  isEntry?: boolean;
};

const root = fileURLToPath(new URL("../../", import.meta.url));
const patienceSeconds = 300;
const graceSeconds = 8;

/** Starts a script of the project in a process of its own, with no environment but the given one. */
export function startChild(script: string, { env = {}, isEntry = false }: Options = {}): Child {
  const child = fork(script, {
    cwd: root,
    env: { NODE_ENV: "production", ...env },
    execArgv: isEntry ? ["--import", `${root}dev/with-parent.ts`] : [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let errors = "";
  let output = "";
  child.stderr!.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  // Keeps the start of the log alone: reading must cost nothing during a measurement.
  child.stdout!.on("data", (chunk: Buffer) => {
    if (output.length < 10_000) output += chunk.toString();
  });

  const closed = once(child, "close");
  const ended = closed.then((): never => {
    throw new Error(`${script} ended too soon. ${errors}`);
  });
  ended.catch(() => {});

  // A message may arrive before `receive` asks for it.
  const messages = new Map<string, PromiseWithResolvers<Message>>();
  child.on("message", (message: Message) => next(message.type).resolve(message));

  function next(type: string): PromiseWithResolvers<Message> {
    const message = messages.get(type) ?? Promise.withResolvers<Message>();
    messages.set(type, message);
    return message;
  }

  async function receive(type: string): Promise<Message> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new Error(`${script} did not send "${type}" in ${patienceSeconds} s. ${errors}`));
    const timer = setTimeout(giveUp, patienceSeconds * 1000);
    return Promise.race([next(type).promise, ended, late]).finally(() => {
      clearTimeout(timer);
      messages.delete(type);
    });
  }

  async function printed(text: string): Promise<void> {
    const check = () => output.includes(text) && next(`printed ${text}`).resolve({ type: "printed" });
    child.stdout!.on("data", check);
    check();
    await receive(`printed ${text}`);
    child.stdout!.off("data", check);
  }

  async function end(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), graceSeconds * 1000);
    await closed;
    clearTimeout(kill);
  }

  return {
    pid: child.pid!,
    send: (type, data = {}) => child.send({ type, ...data }),
    receive,
    onMessage: (type, listener) =>
      child.on("message", (message: Message) => message.type === type && listener(message)),
    printed,
    ended,
    end,
    [Symbol.asyncDispose]: end,
  };
}
