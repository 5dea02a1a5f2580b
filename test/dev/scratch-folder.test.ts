import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isAlive, run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const printed = z.object({ pid: z.number(), folders: z.tuple([z.string(), z.string()]) });

describe("a run that is broken off", () => {
  it("leaves no folder, no server and no child", async () => {
    const broken = run("test/support/interrupted-run.ts", { PATH: process.env.PATH!, TMPDIR: tmpdir() });
    await until("it has started all", () => broken.output().endsWith("}\n") || broken.child.exitCode !== null, 40);
    const { pid, folders } = printed.parse(JSON.parse(broken.output()));
    const [postmaster] = (await readFile(`${folders[0]}/postgres/postmaster.pid`, "utf8")).split("\n");
    const pids = [pid, Number(postmaster)];
    expect(pids.map(isAlive)).toEqual([true, true]);

    await broken.end("SIGKILL");

    await until("nothing is left", () => !pids.some(isAlive) && !folders.some(existsSync));
  }, 60_000);
});
