import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { readFiles, type Files } from "../modules/files.ts";
import { git, problemWithCheckout } from "../modules/git.ts";
import { parsePackage } from "../modules/package-json.ts";
import { findNeed, lists, moduleNames, problemWithNames } from "../modules/registered.ts";
import { commitFolder, findGenerated, generated } from "./commit.ts";
import { folderOf } from "./folder-of.ts";
import { generate, template } from "./generate.ts";
import { namesIn } from "./options.ts";
import { runTemplateCommand } from "./run-command.ts";
import { withTemporaryFolder } from "./temporary-folder.ts";

const usage = `Brings what is new in this template to a project that was made from it.

  npm run upgrade -- ../my-app              commits it to the project's branch ${generated}, for you to merge
  npm run upgrade -- ../my-app --add a,b    adds modules that the project does not have
`;

await runTemplateCommand(usage, async ({ print, refuse }) => {
  const options = parse();
  if (options === undefined) return refuse();
  const { project, add } = options;
  const problem = problemWithCheckout(template) ?? problemWithProject(project);
  if (problem !== undefined) return refuse(problem);

  const files = readFiles(template);
  const head = readCommit(project, "HEAD");
  const had = moduleNames(head);
  const modules = moduleNames(files).filter((name) => had.includes(name) || add.includes(name));
  const without = moduleNames(files).filter((name) => !modules.includes(name));
  const added = add.filter((name) => !had.includes(name));
  const wrong = problemWithNames(files, added) ?? problemWithNeed(files, without) ?? problemWithAdding(project, added);
  if (wrong !== undefined) return refuse(wrong);

  const name = String(parsePackage(head.get("package.json")).name);
  const isNew = await commitUpgrade(project, { name, modules });
  const { branch } = findGenerated(project)!;
  const hint = without.length > 0 ? ` The template also has ${without.join(", ")}: --add adds them.` : "";
  if (isNew) print(`The branch ${branch} of ${name} is new.${hint} Next:\n`);
  else if (isMerged(project)) return print(`Nothing is new for ${name}.${hint}`);
  else print(`The branch ${branch} of ${name} waits to be merged.${hint} Next:\n`);
  print(`  cd ${options.folder}\n  git merge ${branch}`);
});

function parse(): { folder: string; project: string; add: string[] } | undefined {
  const { values, positionals } = parseArgs({
    options: { add: { type: "string", default: "" } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) return undefined;
  return { folder, project: folderOf(folder), add: namesIn(values.add) };
}

function problemWithProject(project: string): string | undefined {
  const none = `${project} is not a project that npm run new has made.`;
  if (!existsSync(join(project, ".git"))) return none;
  const checkedOut = git(project, "for-each-ref", "--format=%(worktreepath)", `refs/heads/${generated}`);
  if (checkedOut !== "") return `Switch to another branch: ${generated} is checked out in ${checkedOut}.`;
  if (findGenerated(project) !== undefined) return undefined;
  if (git(project, "for-each-ref", `refs/heads/${generated}`) !== "") {
    return `The branch ${generated} has a commit of your own: move it to another branch.`;
  }
  return `Fetch the branch ${generated} first: git fetch origin ${generated}:${generated}.`;
}

/** What says which modules a commit of the project has, and its name. The working tree may be in any state. */
function readCommit(project: string, commit: string): Files {
  return new Map(["package.json", ...lists].map((path) => [path, git(project, "show", `${commit}:${path}`)]));
}

function problemWithNeed(files: Files, without: string[]): string | undefined {
  const need = findNeed(files, without);
  return need && `${need.name} needs ${need.needed}: add ${need.needed}, too.`;
}

/** A merge brings back only what the generated branch did not have before. */
function problemWithAdding(project: string, added: string[]): string | undefined {
  const has = moduleNames(readCommit(project, findGenerated(project)!.commit));
  const isLeft = added.some((name) => has.includes(name));
  return added.length > 0 && (!isMerged(project) || isLeft)
    ? `Upgrade without --add and merge ${generated} first.`
    : undefined;
}

function isMerged(project: string): boolean {
  return git(project, "rev-list", "-1", findGenerated(project)!.commit, "^HEAD") === "";
}

/** Returns false, and commits nothing, if the template would generate what the branch has already. */
function commitUpgrade(project: string, options: { name: string; modules: string[] }): Promise<boolean> {
  return withTemporaryFolder(dirname(project), async (temporary, check) => {
    const folder = join(temporary, options.name);
    await generate(folder, options);
    await check();
    const parent = findGenerated(project)!.commit;
    commitFolder(folder, `Upgrade ${options.name}`, { parent, from: project });
    const [before, after] = git(folder, "rev-parse", `${parent}^{tree}`, "HEAD^{tree}").split("\n");
    if (before === after) return false;
    await check();
    git(project, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", folder, `main:refs/heads/${generated}`);
    return true;
  });
}
