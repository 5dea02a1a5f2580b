import { git } from "../modules/git.ts";
import { template } from "./generate.ts";

/** The branch of a project that holds what the template generated, and nothing else. */
export const generated = "template";

const trailer = "Template";

/**
 * Makes a git repository of the folder with one commit on `main`. An upgrade continues the history of a commit in
 * the repository `from`. This runs no hook, signs nothing, and asks for no message.
 */
export function commitFolder(folder: string, subject: string, { parent, from = folder }: Parent = {}): void {
  git(folder, "init", "--quiet", "--template=", "--initial-branch=main");
  if (parent !== undefined) git(folder, "fetch", "--quiet", "--no-tags", from, parent);
  // The user may ignore some of these files everywhere.
  git(folder, "add", "--all", "--force");
  const message = `${subject}\n\n${trailer}: ${git(template, "rev-parse", "HEAD")}`;
  const parents = parent === undefined ? [] : ["-p", parent];
  const tree = git(folder, "write-tree");
  git(folder, "update-ref", "HEAD", git(folder, ...identity(from), "commit-tree", tree, ...parents, "-m", message));
}

type Parent = { parent?: string; from?: string };

/**
 * The tip of the branch, here or at the one remote that has it. Undefined if there is none, or if it is not generated:
 * an upgrade of any other commit would take out the owner's work.
 */
export function findGenerated(repository: string): { branch: string; commit: string } | undefined {
  const read = (pattern: string) =>
    git(repository, "for-each-ref", "--format=%(refname:short) %(objectname)", pattern).split("\n");
  const [local = ""] = read(`refs/heads/${generated}`);
  const [remote = "", ...others] = read(`refs/remotes/*/${generated}`);
  const [branch, commit] = (local || (others.length > 0 ? "" : remote)).split(" ");
  if (branch === undefined || commit === undefined) return undefined;
  const value = git(repository, "log", "-1", `--format=%(trailers:key=${trailer},valueonly)`, commit);
  return /^[0-9a-f]{40,64}$/.test(value) ? { branch, commit } : undefined;
}

/** Git refuses to commit for somebody whose name and address it cannot find out. */
function identity(repository: string): string[] {
  try {
    git(repository, "var", "GIT_COMMITTER_IDENT");
    return [];
  } catch {
    return ["-c", "user.name=npm run new", "-c", "user.email=nobody@localhost"];
  }
}
