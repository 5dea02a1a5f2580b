import { execFileSync } from "node:child_process";

// A hook of git sets variables that name another repository.
const ofAnother = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE)$/;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofAnother.test(name)));

/** Runs git in the folder and returns what it prints, without the last line break. Throws when it fails. */
export function git(folder: string, ...args: string[]): string {
  const output = execFileSync("git", args, {
    cwd: folder,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return output.trimEnd();
}

/** Why the folder must not be changed or copied now, or undefined. */
export function problemWithCheckout(folder: string): string | undefined {
  try {
    if (git(folder, "rev-parse", "--show-prefix") !== "") return `${folder} is not a git checkout of its own.`;
    return git(folder, "status", "--porcelain") === "" ? undefined : "Commit your changes first.";
  } catch {
    return `${folder} is not a git checkout. Clone it with git.`;
  }
}
