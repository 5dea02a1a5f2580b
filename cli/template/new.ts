import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { readFiles, type Files } from "../modules/files.ts";
import { git, problemWithCheckout } from "../modules/git.ts";
import { moduleNames } from "../modules/registered.ts";
import { askForProject } from "./ask.ts";
import { commitFolder, generated } from "./commit.ts";
import { folderOf } from "./folder-of.ts";
import { generate, template } from "./generate.ts";
import { namesIn, nameOf, problemWithProject, type Project } from "./options.ts";
import { runTemplateCommand } from "./run-command.ts";
import { withTemporaryFolder } from "./temporary-folder.ts";

const usage = `Makes a project of your own from this template.

  npm run new                                   asks for everything
  npm run new -- ../my-app                      a folder that is empty or does not exist
  npm run new -- ../my-app --name my-app        another name than the folder's
  npm run new -- ../my-app --without a,b        leaves modules out
  npm run new -- ../my-app --core               leaves all modules out
`;

await runTemplateCommand(usage, async ({ print, refuse }) => {
  const problem = problemWithCheckout(template);
  if (problem !== undefined) return refuse(problem);
  const files = readFiles(template);
  const project = isAlone() ? await askForProject(files) : parse(files);
  if (project === undefined) return refuse();
  const wrong = problemWithProject(project, files);
  if (wrong !== undefined) return refuse(wrong);

  const modules = moduleNames(files).filter((name) => !project.without.includes(name));
  await make(project, modules, print);
  print(`
${project.name} is ready, with ${modules.join(", ") || "the core alone"}. Next:

  cd ${project.target}
  npm ci && npm run dev
`);
});

/** A person who types `npm run new` is asked. A script that forgot its arguments gets the usage. */
function isAlone(): boolean {
  return process.argv.length === 2 && process.stdin.isTTY && process.stdout.isTTY;
}

function parse(files: Files): Project | undefined {
  const { values, positionals } = parseArgs({
    options: {
      name: { type: "string" },
      without: { type: "string", default: "" },
      core: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [target] = positionals;
  if (target === undefined || target === "" || positionals.length > 1) return undefined;
  const without = [...(values.core ? moduleNames(files) : []), ...namesIn(values.without)];
  return { target, name: values.name ?? nameOf(target), without };
}

/** Makes the project beside its target. One rename puts it in its place. */
async function make({ target, name }: Project, modules: string[], print: (line: string) => void): Promise<void> {
  const folder = folderOf(target);
  await withTemporaryFolder(dirname(folder), async (temporary, check) => {
    const project = join(temporary, name);
    print(`Copying the template to ${target}, as ${name}`);
    await generate(project, { name, modules });
    await check();
    print("Committing it to a git history of its own");
    commitFolder(project, `Start ${name}`);
    git(project, "branch", generated);
    await check();
    await rename(project, folder);
  });
}
