import type { Files } from "./files.ts";

/**
 * The files that register modules.
 * @public An upgrade reads them.
 */
export const lists = ["app/modules.ts", "worker/modules.ts"];

/** The registered modules, by the first folder of each path in app/modules.ts and worker/modules.ts. */
export function moduleNames(files: Files): string[] {
  const names = lists.flatMap((list) =>
    [...(files.get(list) ?? "").matchAll(/^export \{[^}]*\} from "\.\/([^/"]+)\/.+"/gm)].map(([, name]) => name!),
  );
  return [...new Set(names)].toSorted();
}

/**
 * Whether a file goes when the module goes: it is in a folder of the module, or a part of its own name is the module's
 * name. Only where modules have files: `app/reports/NAME.ts` is the owner's. A file in the folders of two modules goes
 * with either.
 */
export function belongsTo(path: string, name: string): boolean {
  const migration = /^migrations\/\d+_(\w+)\.sql$/.exec(path)?.[1];
  if (migration !== undefined) return migration === name || migration.startsWith(`${name}_`);
  const [, inFolder] = /^(?:app|worker|views|test|cli|\.github)\/(.+)\//.exec(path) ?? [];
  if (inFolder?.split("/", 2).includes(name)) return true;
  const places = /^(?:(?:app\/assets|views\/mail|docs|cli|test\/template\/recipes)\/)?([^/]+)$/;
  return places.exec(path)?.[1]?.split(".").includes(name) ?? false;
}

/** The sentence that refuses unknown modules. */
export function problemWithNames(files: Files, given: string[]): string | undefined {
  const names = moduleNames(files);
  const unknown = given.find((name) => !names.includes(name));
  const known = names.length > 0 ? `The modules are ${names.join(", ")}.` : "No module is left.";
  return unknown === undefined ? undefined : `There is no module "${unknown}". ${known}`;
}

/** A module that stays, and one that it needs and that goes. */
export function findNeed(files: Files, removed: string[]): { name: string; needed: string } | undefined {
  for (const name of moduleNames(files).filter((name) => !removed.includes(name))) {
    const needed = requiredBy(files, name).find((other) => removed.includes(other));
    if (needed !== undefined) return { name, needed };
  }
  return undefined;
}

/** The modules that `name` needs: `requires` in its own module.ts files. */
function requiredBy(files: Files, name: string): string[] {
  const names = moduleNames(files);
  const required = [...files].flatMap(([path, text]) => {
    if (!path.endsWith("/module.ts") || !belongsTo(path, name)) return [];
    const list = /\brequires: \[([^\]]*)\]/.exec(text)?.[1] ?? "";
    // A part that is shared with the required module goes with it, and the rest works without.
    return names.filter((other) => list.includes(`"${other}"`) && !belongsTo(path, other));
  });
  return [...new Set(required)];
}
