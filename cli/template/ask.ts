import { createInterface, type Interface } from "node:readline/promises";
import type { Files } from "../modules/files.ts";
import { moduleNames } from "../modules/registered.ts";
import { namesIn, nameOf, problemWithout, problemWithProjectName, problemWithTarget, type Project } from "./options.ts";

/** Asks on the terminal for what the arguments did not say. Rejects with an AbortError on Ctrl-C. */
export async function askForProject(files: Files): Promise<Project> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const modules = moduleNames(files);
    const target = await ask(terminal, "Folder", "../my-app", problemWithTarget);
    const name = await ask(terminal, "Name", nameOf(target), (text) => problemWithProjectName(text, files));
    const without = await ask(terminal, `Modules to leave out, of ${modules.join(", ")}`, "none", (text) =>
      problemWithout(namesOf(text), files),
    );
    return { target, name, without: namesOf(without) };
  } finally {
    terminal.close();
  }
}

const namesOf = (answer: string) => (answer === "none" ? [] : namesIn(answer));

type Check = (answer: string) => string | undefined;

/** Asks until the answer is good. An empty one takes the default. */
async function ask(terminal: Interface, question: string, usual: string, problemWith: Check): Promise<string> {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  terminal.once("SIGINT", stop).once("close", stop);
  for (;;) {
    const answer = (await terminal.question(`${question} (${usual}): `, { signal: stopped.signal })).trim() || usual;
    const problem = problemWith(answer);
    if (problem === undefined) return answer;
    process.stdout.write(`${problem}\n`);
  }
}
