import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { Files } from "../modules/files.ts";
import { findNeed, moduleNames, problemWithNames } from "../modules/registered.ts";
import { template, withModules } from "./generate.ts";
import { folderOf } from "./folder-of.ts";
import { problemWithName } from "./project-name.ts";

/** What `npm run new` makes. */
export type Project = { target: string; name: string; without: string[] };

/** The sentence that refuses the options, or undefined. Reads the disk and writes nothing. */
export function problemWithProject({ target, name, without }: Project, files: Files): string | undefined {
  return problemWithTarget(target) ?? problemWithout(without, files) ?? problemWithProjectName(name, files);
}

export function problemWithTarget(target: string): string | undefined {
  const folder = folderOf(target);
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() && !existsSync(folder)) {
    return `${target} is a link that leads nowhere.`;
  }
  if (!existsSync(dirname(folder))) return `The folder ${dirname(folder)} does not exist.`;
  const real = existsSync(folder) ? realpathSync(folder) : join(realpathSync(dirname(folder)), basename(folder));
  if (`${real}${sep}`.startsWith(`${realpathSync(template)}${sep}`)) {
    return `${target} is inside the template: choose a folder beside it.`;
  }
  if (!existsSync(folder)) return undefined;
  if (!statSync(folder).isDirectory()) return `${target} is a file.`;
  return readdirSync(folder).length > 0 ? `${target} is not empty.` : undefined;
}

export function problemWithout(without: string[], files: Files): string | undefined {
  const unknown = problemWithNames(files, without);
  if (unknown !== undefined) return unknown;
  const need = findNeed(files, without);
  return need && `${need.name} needs ${need.needed}: leave out ${need.name}, too.`;
}

/** All modules count, because one that is left out may be added later. */
export function problemWithProjectName(name: string, files: Files): string | undefined {
  return problemWithName(name, withModules(files, moduleNames(files)));
}

/** The name that the folder suggests. */
export const nameOf = (target: string) => basename(folderOf(target));

/** The names between commas. */
export const namesIn = (list: string) => list.split(/[\s,]+/).filter(Boolean);
