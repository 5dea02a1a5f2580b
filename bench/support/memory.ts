import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Megabytes that the process holds in memory (RSS). */
export async function megabytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) / 1024;
}
