import { cleanUp } from "../clean-up.ts";
import { run, type Process } from "../processes.ts";

/** A process of the storm, and what its supervisor knows of it. */
export type Member = {
  name: string;
  /** As it runs now. */
  process: Process;
  /** How often it was killed by the storm. */
  kills: number;
  /** Whether it ended without being killed, and its last words. */
  fallen: string[];
  /** SIGKILL, and after the pause a start, as a supervisor would do. */
  kill(pause: () => Promise<unknown>): Promise<void>;
};

/** Starts an entry as a process of its own, killed after the test. */
export function supervise(name: string, entry: string, env: Record<string, string>, args: string[] = []): Member {
  const dying = new WeakSet<Process>();

  function start(): Process {
    const process = run(entry, env, args);
    void process.exited.then(
      (code) => dying.has(process) || member.fallen.push(`${name}: ${code} ${process.output().slice(-1500)}`),
    );
    return process;
  }

  async function kill(pause: () => Promise<unknown>): Promise<void> {
    const { process } = member;
    dying.add(process);
    await process.end("SIGKILL");
    await pause();
    member.kills += 1;
    member.process = start();
  }

  const member: Member = { name, process: start(), kills: 0, fallen: [], kill };
  cleanUp(() => {
    dying.add(member.process);
    return member.process.end("SIGKILL");
  });
  return member;
}
