import { cleanUp } from "../clean-up.ts";
import type { Process } from "../processes.ts";

/** A process of the storm under its supervisor. */
export type Member = {
  name: string;
  /** The current process. */
  process: Process;
  /** How often the storm killed it. */
  kills: number;
  /** Exits that the storm did not cause, with the end of the output. */
  unexpectedExits: string[];
  /** Ends it with the signal and restarts it after the pause, as a supervisor would do. */
  kill(pause: () => Promise<unknown>, signal?: NodeJS.Signals): Promise<void>;
};

/** Starts a process. It is killed after the test. */
export function supervise(name: string, run: () => Process): Member {
  const dying = new WeakSet<Process>();

  function start(): Process {
    const process = run();
    void process.exited.then(
      (code) => dying.has(process) || member.unexpectedExits.push(`${name}: ${code} ${process.output().slice(-1500)}`),
    );
    return process;
  }

  async function kill(pause: () => Promise<unknown>, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { process } = member;
    dying.add(process);
    await process.end(signal);
    await pause();
    member.kills += 1;
    member.process = start();
  }

  const member: Member = { name, process: start(), kills: 0, unexpectedExits: [], kill };
  cleanUp(() => {
    dying.add(member.process);
    return member.process.end("SIGKILL");
  });
  return member;
}
