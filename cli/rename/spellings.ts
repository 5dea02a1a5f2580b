const longest = 40;

/** What speaks against this name, in a sentence. */
export function problemWithName(name: string, old: string, packages: string[]): string | undefined {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length < 3) {
    return "A name is words of lower case letters and digits, apart by hyphens: three characters or more, a letter first.";
  }
  // It becomes the name of a database, of its connections, and the beginning of metrics.
  if (name.length > longest) return `A name has at most ${longest} characters.`;
  if (name === old) return `It is called ${name} already.`;
  if (packages.includes(name)) return `${name} is a package that the project needs: npm would not install it.`;
  return undefined;
}

/** Whether the text holds the name, in any spelling. */
export const mentions = (text: string, name: string): boolean => text.search(spellings(name)) >= 0;

/** The text with the new name in place of the old one, each time in the spelling that stood there. */
export function renameIn(text: string, old: string, name: string): string {
  return text.replace(spellings(old), (found: string, ...more: unknown[]) => {
    const at = Number(more.find((one) => typeof one === "number"));
    // Of one word alone, what follows tells: `metric_name`, or anything else.
    const gap = /[-_ ]/.exec(found)?.[0] ?? (text[at + found.length] === "_" ? "_" : "-");
    const renamed = name.replaceAll("-", gap);
    return /^[A-Z]/.test(found) ? renamed.charAt(0).toUpperCase() + renamed.slice(1) : renamed;
  });
}

function spellings(name: string): RegExp {
  return new RegExp(`(?<![a-z0-9])${name.replaceAll("-", "[-_ ]?")}(?![a-z0-9])`, "gi");
}
