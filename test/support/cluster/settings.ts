import { readFile, writeFile } from "node:fs/promises";

/** Writes a program's settings, with the values in place of the words in capitals. Returns the file. */
export async function writeSettings(
  template: "patroni.yml" | "haproxy.cfg" | "pgbouncer.ini",
  file: string,
  values: Record<string, string | number>,
): Promise<string> {
  const text = await readFile(new URL(template, import.meta.url), "utf8");
  await writeFile(
    file,
    text.replaceAll(/\b[A-Z]+(_[A-Z]+)?\b/g, (word) => String(values[word] ?? word)),
  );
  return file;
}
