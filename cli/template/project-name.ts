import type { Files } from "../modules/files.ts";
import { parsePackage } from "../modules/package-json.ts";

/** The copyright notice of the template must stay, and the measurements were made with the template. */
const unchanged = new Set(["LICENSE", "bench/results.md"]);
const longest = 40;

const runs = /^(app|worker|views|migrations)\/.*\.(ts|js|ejs|sql)$/;

/** The sentence that refuses a name, or undefined. `files` are those that the project will have. */
export function problemWithName(name: string, files: Files): string | undefined {
  const { name: old, dependencies, devDependencies } = parsePackage(files.get("package.json"));
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length < 3) {
    return `"${name}" is not a name. Use at least three lower-case letters or digits, a letter first, with single hyphens between words, e.g. --name my-app.`;
  }
  // The name becomes a database name, an application_name and a metrics prefix.
  if (name.length > longest) return `A name has at most ${longest} characters.`;
  if (name === old) return `${old} is the template's own name.`;
  // npm would not install it.
  if (Object.hasOwn({ ...dependencies, ...devDependencies }, name)) {
    return `${name} is a package that the project depends on: choose another name.`;
  }
  // A search for the project's name must find nothing else in the code that runs.
  const taken = [...files].find(([path, text]) => runs.test(path) && spellings(name).test(withoutComments(path, text)));
  return taken && `${name} means something else in ${taken[0]}: choose another name.`;
}

/** Replaces the old name by the new one in each text and in the same spelling: `a-b`, `a_b`, `A b`. */
export function rename(files: Files, name: string): Files {
  const old = String(parsePackage(files.get("package.json")).name);
  return new Map([...files].map(([path, text]) => [path, unchanged.has(path) ? text : renameIn(text, old, name)]));
}

function withoutComments(path: string, text: string): string {
  if (path.endsWith(".sql")) return text.replaceAll(/--.*/g, "");
  // An address has slashes, too.
  return text.replaceAll(/(?<!:)\/\/.*|\/\*[^]*?\*\/|<%#[^]*?%>|<!--[^]*?-->/g, "");
}

function renameIn(text: string, old: string, name: string): string {
  return text.replace(spellings(old), (found: string) => {
    const gap = /[-_ ]/.exec(found)?.[0] ?? "-";
    const renamed = name.replaceAll("-", gap);
    return /^[A-Z]/.test(found) ? renamed.charAt(0).toUpperCase() + renamed.slice(1) : renamed;
  });
}

function spellings(name: string): RegExp {
  return new RegExp(`(?<![a-z0-9])${name.replaceAll("-", "[-_ ]?")}(?![a-z0-9])`, "gi");
}
