import { globSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as web from "../app/modules.ts";
import type { Module as WebModule } from "../app/modules.ts";
import { lists, moduleNames } from "../cli/modules/registered.ts";
import * as worker from "../worker/modules.ts";
import type { Module as WorkerModule } from "../worker/modules.ts";

it("has the files of every module that another one requires", async () => {
  const modules = [...Object.values<WebModule>(web), ...Object.values<WorkerModule>(worker)];
  for (const name of modules.flatMap(({ requires }) => requires ?? [])) {
    const folders = await Promise.allSettled([access(`app/${name}`), access(`worker/${name}`)]);
    expect({ name, isThere: folders.some(({ status }) => status === "fulfilled") }).toEqual({ name, isThere: true });
  }
});

it("has a core that imports no module", async () => {
  const names = moduleNames(new Map(await Promise.all(lists.map(readEntry))));
  const isOfModule = (path: string) => names.includes(path.split("/")[1]!);
  const core = globSync("{app,worker}/**/*.ts").filter((path) => !lists.includes(path) && !isOfModule(path));
  const files = await Promise.all(core.map(readEntry));
  const imports = files.flatMap(([path, text]) =>
    [...text.matchAll(/\b(?:from|import) *\(?"(\.[^"]+)"/g)].map(([, to]) => ({ path, to: join(path, "..", to!) })),
  );
  expect(imports.length).toBeGreaterThan(core.length);
  expect(imports.filter(({ to }) => isOfModule(to))).toEqual([]);
});

const readEntry = async (path: string) => [path, await readFile(path, "utf8")] as const;
