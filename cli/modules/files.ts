import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { format, getFileInfo, resolveConfig } from "prettier";
import { git } from "./git.ts";

/** The tracked files of a project: their paths and texts. A binary file has no text. */
export type Files = Map<string, string>;

export function readFiles(folder: string): Files {
  const paths = git(folder, "ls-files", "-z").split("\0").filter(Boolean);
  return new Map(
    paths.map((path) => {
      const text = readFileSync(join(folder, path), "utf8");
      return [path, text.includes("\0") ? "" : text];
    }),
  );
}

/** Writes what differs into the folder: deletes files, formats texts, and takes unused packages out of the lock. */
export async function writeChanges(folder: string, before: Files, after: Files): Promise<void> {
  for (const path of before.keys()) {
    if (!after.has(path)) await remove(folder, path);
  }
  for (const [path, text] of after) {
    if (before.get(path) !== text) await writeFile(join(folder, path), await formatted(folder, path, text));
  }
  if (before.get("package.json") !== after.get("package.json"))
    updateLock(folder, before.get("package-lock.json") ?? "");
}

/** Deletes the file, and the folders that it leaves empty. */
async function remove(folder: string, path: string): Promise<void> {
  await rm(join(folder, path));
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    if ((await readdir(join(folder, parent))).length > 0) return;
    await rmdir(join(folder, parent));
  }
}

async function formatted(folder: string, path: string, text: string): Promise<string> {
  const filepath = join(folder, path);
  const { ignored, inferredParser } = await getFileInfo(filepath, { ignorePath: join(folder, ".prettierignore") });
  if (ignored || inferredParser === null) return text;
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

/** Works without a network: it only takes packages out. */
function updateLock(folder: string, before: string): void {
  const flags = [
    "--package-lock-only",
    "--ignore-scripts",
    "--offline",
    // Only if the owner has no registry in the lock.
    ...(before.includes('"resolved"') ? [] : ["--omit-lockfile-registry-resolved"]),
    "--loglevel=error",
  ];
  execFileSync("npm", ["install", ...flags], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
}
