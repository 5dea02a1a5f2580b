import { access } from "node:fs/promises";
import { expect, it } from "vitest";
import * as web from "../app/modules.ts";
import type { Module as WebModule } from "../app/modules.ts";
import * as worker from "../worker/modules.ts";
import type { Module as WorkerModule } from "../worker/modules.ts";

it("has the files of every module that another one requires", async () => {
  const modules = [...Object.values<WebModule>(web), ...Object.values<WorkerModule>(worker)];
  for (const name of modules.flatMap(({ requires }) => requires ?? [])) {
    const folders = await Promise.allSettled([access(`app/${name}`), access(`worker/${name}`)]);
    expect({ name, isThere: folders.some(({ status }) => status === "fulfilled") }).toEqual({ name, isThere: true });
  }
});
