import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

/** What Node, git and npm say. */
const full = /ENOSPC|EFBIG|EDQUOT|SIGXFSZ|No space left|File too large|quota exceeded|unable to write/i;

/** Thrown by `check` after Ctrl-C, SIGTERM or SIGHUP. */
export class Stopped extends Error {}

/** Thrown if the folder cannot be made. */
export class CannotWrite extends Error {}

type Work<Result> = (folder: string, check: () => Promise<void>) => Promise<Result>;

/**
 * Passes a new folder to the work, and removes it afterwards, whatever happens. The work calls `check` between its
 * steps. The processes that a step starts have ended by then, so nothing writes to the folder while it is removed.
 */
export async function withTemporaryFolder<Result>(parent: string, work: Work<Result>): Promise<Result> {
  let isStopped = false;
  const stop = () => (isStopped = true);
  // `on`, not `once`: npm passes on a signal that the terminal has sent already.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  const check = async () => {
    // A step that waited for a process has kept signals waiting.
    await setImmediate();
    if (isStopped) throw new Stopped();
  };

  const folder = join(parent, `.${randomUUID()}.tmp`);
  await mkdir(folder).catch((error: Error) => {
    throw new CannotWrite(`Cannot write to ${parent}.`, { cause: error });
  });
  try {
    await check();
    return await work(folder, check);
  } catch (error) {
    // Ctrl-C ends the processes of a step, too, and the step fails.
    await check();
    if (full.test(String(error))) throw new Error(`Cannot write to ${parent}: the disk may be full.`, { cause: error });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
