import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

type Message = Record<string, unknown> & { word: string };

/** A measured process, and what it says. */
export type Child = AsyncDisposable & {
  pid: number;
  /** Resolves with the next message that begins with the word; throws when the process ends before, or hangs. */
  heard: (word: string) => Promise<Message>;
  /** Calls back for each message that begins with the word. */
  onEach: (word: string, listener: (message: Message) => void) => void;
  /** Resolves with the first line on its stdout that holds the text. */
  printed: (text: string) => Promise<void>;
  tell: (word: string, data?: object) => void;
  /** SIGTERM, and SIGKILL to who does not go. */
  end: () => Promise<void>;
};

type Options = {
  env?: Record<string, string>;
  /** Longest wait for a word. */
  patienceSeconds?: number;
  /** For entries of the app, which know nothing of us: a preload ends them when we are gone. */
  isEntry?: boolean;
};

const root = fileURLToPath(new URL("../../", import.meta.url));
const graceSeconds = 8;

/** Starts a script of the project as a process of its own, with nothing in its environment but what is given. */
export function startChild(script: string, options: Options = {}): Child {
  const { env = {}, patienceSeconds = 300, isEntry = false } = options;
  const child = fork(script, {
    cwd: root,
    env: { NODE_ENV: "production", ...env },
    execArgv: isEntry ? ["--import", `${root}dev/with-parent.ts`] : [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const words = new Map<string, PromiseWithResolvers<Message>>();
  let complaints = "";
  let output = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)));
  // Its log flows on, and only the beginning is kept: reading must cost nothing while we measure.
  child.stdout!.on("data", (chunk: Buffer) => {
    if (output.length < 10_000) output += chunk.toString();
  });
  child.on("message", (message: Message) => slot(message.word).resolve(message));
  const ended = once(child, "close");
  child.once("close", () => {
    for (const { reject } of words.values()) reject(new Error(`${script} ended too soon. ${complaints}`));
  });

  function slot(word: string): PromiseWithResolvers<Message> {
    const known = words.get(word) ?? Promise.withResolvers<Message>();
    // Nobody may be waiting when it ends.
    known.promise.catch(() => {});
    words.set(word, known);
    return known;
  }

  async function heard(word: string): Promise<Message> {
    const waiting = slot(word);
    const timer = setTimeout(
      () => waiting.reject(new Error(`${script} did not say "${word}" in ${patienceSeconds} s. ${complaints}`)),
      patienceSeconds * 1000,
    );
    if (child.exitCode !== null) waiting.reject(new Error(`${script} has ended. ${complaints}`));
    return waiting.promise.finally(() => {
      clearTimeout(timer);
      words.delete(word);
    });
  }

  async function printed(text: string): Promise<void> {
    const look = () => output.includes(text) && slot(`printed ${text}`).resolve({ word: "printed" });
    child.stdout!.on("data", look);
    look();
    await heard(`printed ${text}`);
    child.stdout!.off("data", look);
  }

  async function end(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), graceSeconds * 1000);
    await ended;
    clearTimeout(kill);
  }

  return {
    pid: child.pid!,
    heard,
    onEach: (word, listener) => child.on("message", (message: Message) => message.word === word && listener(message)),
    printed,
    tell: (word, data = {}) => child.send({ word, ...data }),
    end,
    [Symbol.asyncDispose]: end,
  };
}
