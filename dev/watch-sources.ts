import { readdirSync, watch } from "node:fs";
import { join } from "node:path";

/**
 * Calls back at each change to a source file in or below the folders, until the signal is aborted.
 * Not by one recursive watch: on Linux that loses sight of a file that an editor replaced by renaming.
 */
export function watchSources(folders: string[], signal: AbortSignal, onChange: () => void): void {
  for (const folder of folders.flatMap(withFoldersBelow)) {
    watch(folder, { signal }, (_, name) => {
      if (name && source.test(name)) onChange();
    });
  }
}

// A name without a dot is a new folder.
const source = /(^[^.]+|\.(ts|ejs))$/;

function withFoldersBelow(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.map(({ parentPath, name }) => join(parentPath, name))];
}
