import { readFile, rm, writeFile } from "node:fs/promises";

/** Makes this process the only one that runs from the folder, until the returned function is called. Throws when there is another. */
export async function lock(folder: string): Promise<() => Promise<void>> {
  const file = `${folder}/dev.pid`;
  const left = await readFile(file, "utf8").catch(() => undefined);
  const pid = Number(left);
  if (pid && pid !== process.pid && isAlive(pid)) {
    throw new Error(`npm run dev runs here already, as process ${pid}. If that is something else, delete ${file}.`);
  }
  if (left !== undefined) await rm(file, { force: true });
  // Of two that start at once, the second fails here.
  await writeFile(file, String(process.pid), { flag: "wx" });
  return () => rm(file, { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is alive all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
