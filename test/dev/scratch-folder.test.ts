import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isAlive, run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const printed = z.object({ pid: z.number(), folders: z.tuple([z.string(), z.string()]) });

describe("an interrupted run", () => {
  it("leaves no folder, no server and no child", async () => {
    const interrupted = run("test/support/interrupted-run.ts", { PATH: process.env.PATH!, TMPDIR: tmpdir() });
    await until(
      "everything has started",
      () => interrupted.output().endsWith("}\n") || interrupted.child.exitCode !== null,
      40,
    );
    const { pid, folders } = printed.parse(JSON.parse(interrupted.output()));
    const [postmaster] = (await readFile(`${folders[0]}/postgres/postmaster.pid`, "utf8")).split("\n");
    const pids = [pid, Number(postmaster)];
    expect(pids.map(isAlive)).toEqual([true, true]);

    await interrupted.end("SIGKILL");

    await until("nothing is left", () => !pids.some(isAlive) && !folders.some(existsSync));
  }, 60_000);
});
