import { execFile } from "node:child_process";
import { appendFile, cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cleanUp } from "./clean-up.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

export type Copy = {
  folder: string;
  /** Runs a program in the copy and returns its output. Rejects with the output when it fails. */
  run(program: string, ...words: string[]): Promise<string>;
};

/** A copy of the project without ignored files, in a git repository of its own, for a test to change. */
export async function copyProject(): Promise<Copy> {
  const folder = await mkdtemp(join(tmpdir(), "copy-"));
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  const here = (program: string, ...words: string[]) => runIn(folder, program, words);

  const listed = await runIn(root, "git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const gone = new Set((await runIn(root, "git", ["ls-files", "-z", "--deleted"])).split("\0"));
  const files = listed.split("\0").filter((file) => file !== "" && !gone.has(file));
  for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await here("git", "init", "-q");
  await appendFile(join(folder, ".git/info/exclude"), "node_modules\n");
  await here("git", "add", "-A");
  await here("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "Copy");
  return { folder, run: here };
}

/** The code blocks of one language in a Markdown file, with the headings above them. */
export async function blocksOf(page: string, language: string): Promise<{ heading: string; text: string }[]> {
  const parts = (await readFile(join(root, page), "utf8")).split(/^#+ /m).slice(1);
  return parts.flatMap((part) => {
    const heading = part.slice(0, part.indexOf("\n"));
    const blocks = part.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"));
    return [...blocks].map(([, text = ""]) => ({ heading, text }));
  });
}

/** The error names the variables that a word sets, but not their values: one may be a password. */
export async function runIn(folder: string, program: string, words: string[]): Promise<string> {
  const path = [dirname(process.execPath), join(root, "node_modules/.bin"), process.env.PATH].join(":");
  // Without the variables of the outer test run.
  const outer = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$|INIT_CWD$|GIT_)/.test(name));
  const env = { ...Object.fromEntries(outer), PATH: path };
  try {
    const { stdout } = await promisify(execFile)(program, words, { cwd: folder, env, maxBuffer: 2 ** 26 });
    return stdout;
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number | string; stdout?: string; stderr?: string };
    const shown = words.map((word) => word.replace(/=.*/s, "=…"));
    // oxlint-disable-next-line preserve-caught-error -- The message of `error` has the values.
    throw new Error(`${program} ${shown.join(" ")}\n${stdout}${stderr}`, { cause: { code, stderr } });
  }
}
