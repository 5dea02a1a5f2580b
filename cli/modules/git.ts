import { spawnSync } from "node:child_process";

// A hook of git sets variables that name another repository.
const ofAnother = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE)$/;
const own = Object.entries(process.env).filter(([name]) => !ofAnother.test(name));
// What git says is read here, so it must be English.
const env = { ...Object.fromEntries(own), LC_ALL: "C" };

/**
 * Runs git in the folder and returns what it prints, without the last line break. When it fails, throws its
 * first reason: on a full disk it says one for each file.
 */
export function git(folder: string, ...args: string[]): string {
  const { stdout, stderr, status, signal, error } = spawnSync("git", args, {
    cwd: folder,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error && "code" in error && error.code === "ENOENT") throw new Error("Install git first.", { cause: error });
  if (error) throw error;
  if (status !== 0) {
    const reason = /^(fatal|error): .+/m.exec(stderr)?.[0];
    throw new Error(reason ?? `git ${args[0]} failed (${signal ?? status}).`);
  }
  return stdout.trimEnd();
}

/** Why the folder must not be changed or copied now, or undefined. */
export function problemWithCheckout(folder: string): string | undefined {
  try {
    if (git(folder, "rev-parse", "--show-prefix") !== "") {
      return `${folder} is a folder in another git checkout. Clone it to a place of its own.`;
    }
    return git(folder, "status", "--porcelain") === "" ? undefined : "Commit your changes first.";
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return /not a git repository/.test(message) ? `${folder} is not a git checkout. Clone it with git.` : message;
  }
}
