import { dirname, join } from "node:path";
import { z } from "zod";
import type { Files } from "./files.ts";
import { parsePackage, printPackage } from "./package-json.ts";
import { belongsTo } from "./registered.ts";

/** What left with a module. `parts` says where marked text or lines were taken out of a file that stays. */
export type Removed = {
  files: string[];
  parts: string[];
  scripts: string[];
  dependencies: string[];
  environment: string[];
};

const isCode = (path: string) => /\.(ts|js|ejs)$/.test(path);

/** The files without a module, and what left with it. Changes nothing on disk. */
export function removeModule(files: Files, name: string): { left: Files; removed: Removed } {
  const gone = new Map([...files].filter(([path]) => belongsTo(path, name)));
  const left = new Map([...files].filter(([path]) => !gone.has(path)));
  const parts: string[] = [];
  for (const [path, text] of left) {
    const shorter = unregister(path, isCode(path) ? text : unmark(path, text, name), gone);
    if (shorter === text) continue;
    left.set(path, shorter);
    parts.push(path);
  }

  const environment = takeEnvironment(left, gone);
  const { scripts, dependencies } = takeFromPackage(left, gone);
  return { left, removed: { files: [...gone.keys()], parts, scripts, dependencies, environment } };
}

/** Takes out the lines of app/modules.ts and worker/modules.ts that export from a deleted file. */
function unregister(path: string, text: string, gone: Files): string {
  if (!/^\w+\/modules\.ts$/.test(path)) return text;
  const lines = text.split("\n");
  return lines.filter((line) => !gone.has(join(dirname(path), / from "(\.\/.+)"/.exec(line)?.[1] ?? ""))).join("\n");
}

/** Takes out what is between the marks of the module, and the table rows that end with its mark. */
function unmark(path: string, text: string, name: string): string {
  const block = new RegExp(String.raw`^ *(<!--|#) begin ${name}( -->)?\n[^]*?^ *\1 end ${name}\2\n`, "gm");
  const row = new RegExp(String.raw`^.* <!-- ${name} --> *\|\n`, "gm");
  const shorter = text.replace(block, "").replace(row, "");
  if (new RegExp(String.raw`^ *(<!--|#) (begin|end) ${name}( -->)?$`, "m").test(shorter)) {
    throw new Error(`${path} has a mark of ${name} without its partner.`);
  }
  return shorter;
}

/** Takes out of app.json what only deleted files read. */
function takeEnvironment(left: Files, gone: Files): string[] {
  const text = left.get("app.json");
  if (text === undefined) return [];
  const { env } = z.object({ env: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text));
  const names = Object.keys(env).filter((name) => {
    const word = new RegExp(String.raw`\b${name}\b`);
    const isRead = (files: Files) => [...files].some(([path, code]) => /^(app|worker)\//.test(path) && word.test(code));
    return isRead(gone) && !isRead(left);
  });
  left.set("app.json", names.reduce(withoutEntry, text));
  return names;
}

/** By its text: the file keeps the line breaks that its owner chose. */
function withoutEntry(json: string, name: string): string {
  const entry = new RegExp(String.raw`\n *"${name}": \{[^}]*\},?`);
  return json.replace(entry, "").replace(/,(\s*\})/g, "$1");
}

/** Takes out of package.json the scripts that run a deleted file, and the packages that only deleted files import. */
function takeFromPackage(left: Files, gone: Files): { scripts: string[]; dependencies: string[] } {
  const json = parsePackage(left.get("package.json"));
  const scripts = Object.keys(json.scripts).filter((name) =>
    json.scripts[name]!.split(" ").some((word) => gone.has(word)),
  );
  for (const name of scripts) delete json.scripts[name];

  const dependencies = Object.keys({ ...json.dependencies, ...json.devDependencies }).filter(
    (name) => isImported(gone, name) && !isImported(left, name),
  );
  for (const name of dependencies) {
    delete json.dependencies[name];
    delete json.devDependencies[name];
  }
  if (scripts.length + dependencies.length > 0) left.set("package.json", printPackage(json));
  return { scripts, dependencies };
}

/** Whether code imports the package, or asks where a file of it is. */
function isImported(files: Files, name: string): boolean {
  const imports = new RegExp(String.raw`\b(from|import|resolve)\b[ (]*"${name}["/]`);
  return [...files].some(([path, text]) => isCode(path) && imports.test(text));
}
