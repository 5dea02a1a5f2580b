import { homedir } from "node:os";
import { resolve } from "node:path";

/** The folder that a person means. npm runs a script in the root of its package, and says where the person stands. */
export function folderOf(typed: string): string {
  return resolve(process.env.INIT_CWD ?? ".", typed.replace(/^~(?=\/|$)/, homedir()));
}
