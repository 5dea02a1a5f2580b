import { join } from "node:path";
import { readFiles, writeChanges, type Files } from "../modules/files.ts";
import { git } from "../modules/git.ts";
import { parsePackage, printPackage } from "../modules/package-json.ts";
import { moduleNames } from "../modules/registered.ts";
import { removeModule } from "../modules/remove-module.ts";
import { rename } from "./project-name.ts";

export const template = join(import.meta.dirname, "../..");

type Options = { name: string; modules: string[] };

/**
 * Writes a project with these modules into the empty folder. The same template and options always give the same files:
 * an upgrade is the difference between two of them.
 */
export async function generate(folder: string, { name, modules }: Options): Promise<void> {
  git(template, "checkout-index", "--all", `--prefix=${folder}/`);
  const files = readFiles(template);
  const project = [rename, describeProject].reduce((made, change) => change(made, name), withModules(files, modules));
  await writeChanges(folder, files, project);
}

/** The template's files without the other modules, and without what only the template needs. */
export function withModules(files: Files, modules: string[]): Files {
  const others = moduleNames(files).filter((name) => !modules.includes(name));
  return ["template", ...others].reduce((left, name) => removeModule(left, name).left, files);
}

/** For the first sentence of README.md, which says what the template is for. */
const purpose = "Say here what it is for.\n\nIt follows the **slim-server pattern**.";

/** Leaves room for what only the owner of the project can say. */
function describeProject(files: Files): Files {
  const edit = (path: string, change: (text: string) => string): [string, string] => [path, change(files.get(path)!)];
  // The pictures show the template's name.
  const own = [...files].filter(([path]) => !/^\.github\/.+\.png$/.test(path));
  return new Map([
    ...own,
    edit("README.md", (text) => text.replace(/\n\n[^]+?\.\s/, `\n\n${purpose}\n`)),
    edit("CHANGELOG.md", (text) => text.replace(/^(## \[Unreleased\]\n)[^]*/m, "$1")),
    edit("LICENSE", (text) => text.replace(/^Copyright .+\n/m, "$&Copyright (c) YEAR YOUR NAME\n")),
    edit("app.json", (text) => text.replace(/"description": "[^"]*"/, '"description": ""')),
    edit("package.json", (text) => printPackage({ ...parsePackage(text), version: "0.1.0", description: "" })),
  ]);
}
