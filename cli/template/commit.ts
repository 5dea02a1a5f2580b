import { join } from "node:path";
import { git, gitWith } from "../modules/git.ts";
import { template } from "./generate.ts";

/** The branch of a project that holds what the template generated, and nothing else. */
export const generated = "template";

const trailer = "Template:";

type Options = { branch: string; parent?: string; index: string; subject: string };

/**
 * Commits the files of the folder to a branch of the repository, without its working tree. Plumbing runs no hook,
 * signs nothing, and asks for no message.
 */
export function commitFolder(repository: string, folder: string, { branch, parent, index, subject }: Options): string {
  const here = { GIT_DIR: join(repository, ".git"), GIT_WORK_TREE: folder, GIT_INDEX_FILE: index };
  // The user may ignore some of these files everywhere.
  gitWith(here, folder, "add", "--all", "--force");
  const tree = gitWith(here, folder, "write-tree");
  const message = `${subject}\n\n${trailer} ${git(template, "rev-parse", "HEAD")}`;
  const parents = parent === undefined ? [] : ["-p", parent];
  const commit = gitWith(identity(repository), repository, "commit-tree", tree, ...parents, "-m", message);
  git(repository, "update-ref", `refs/heads/${branch}`, commit, parent ?? "");
  return commit;
}

/** The newest commit before HEAD that a template generated, or undefined. */
export function findGenerated(repository: string): string | undefined {
  return git(repository, "log", "-1", "--format=%H", `--grep=^${trailer} `, "HEAD") || undefined;
}

/** Git refuses to commit for somebody whose name and address it cannot find out. */
function identity(repository: string): Record<string, string> {
  try {
    git(repository, "var", "GIT_COMMITTER_IDENT");
    return {};
  } catch {
    const [name, email] = ["npm run new", "nobody@localhost"];
    return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
  }
}
