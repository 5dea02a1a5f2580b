import { readFile, rm, writeFile } from "node:fs/promises";

/** Locks the folder for this process until the returned function is called. Throws if another process has the lock. */
export async function lock(folder: string): Promise<() => Promise<void>> {
  const file = `${folder}/dev.pid`;
  const left = await readFile(file, "utf8").catch(() => undefined);
  const pid = Number(left);
  if (pid && pid !== process.pid && isAlive(pid)) {
    throw new Error(`npm run dev is already running, as process ${pid}. If that is another program, delete ${file}.`);
  }
  if (left !== undefined) await rm(file, { force: true });
  // When two start at once, the second fails here.
  await writeFile(file, String(process.pid), { flag: "wx" });
  return () => rm(file, { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
