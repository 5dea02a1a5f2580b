import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copyProject, type Copy } from "../../support/copy.ts";
import { until } from "../../support/until.ts";
import { addStars, commit } from "../add-module.ts";

const remove = (copy: Copy, ...words: string[]) => copy.run("node", "cli/remove.ts", ...words);

let copy: Copy;
beforeAll(async () => {
  copy = await copyProject();
  await addStars(copy);
});

describe("npm run remove", () => {
  it.each([
    ["npm run remove -- NAME"],
    ["npm run remove -- NAME", "stars", "moons"],
    ["npm run remove -- NAME", "--force", "stars"],
    ['There is no module "comets". The modules are', "comets"],
    ['There is no module "template". The modules are', "template"],
    ["moons needs stars: remove moons first.", "stars"],
  ])('says "%s" for %j %j', async (sentence, ...words) => {
    const cause = { code: 2, stderr: expect.stringContaining(sentence) as string };
    await expect(remove(copy, ...words)).rejects.toMatchObject({ cause });
    expect(await copy.run("git", "status", "--porcelain")).toBe("");
  });

  it("refuses uncommitted changes", async () => {
    await writeFile(join(copy.folder, "notes.txt"), "mine");
    const cause = { code: 2, stderr: "Commit your changes first.\n" };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause });
    expect(await copy.run("git", "status", "--porcelain")).toBe("?? notes.txt\n");
    await rm(join(copy.folder, "notes.txt"));
  });

  it("refuses deleted files, and a folder without git", async () => {
    await rm(join(copy.folder, "README.md"));
    const dirty = { code: 2, stderr: "Commit your changes first.\n" };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause: dirty });
    await copy.run("git", "checkout", "-q", "README.md");

    await copy.run("mv", ".git", ".hidden");
    const alone = { code: 2, stderr: expect.stringContaining("is not a git checkout. Clone it with git.") as string };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause: alone });
    await copy.run("mv", ".hidden", ".git");

    const missing = { code: 2, stderr: "Install git first.\n" };
    const withoutGit = copy.run("env", "PATH=/nowhere", process.execPath, "cli/remove.ts", "moons");
    await expect(withoutGit).rejects.toMatchObject({ cause: missing });
  });

  it("prints git's own reason when git refuses the folder", async () => {
    const config = join(copy.folder, ".git/config");
    const text = await readFile(config, "utf8");
    await writeFile(config, "[core\n");
    const cause = { code: 2, stderr: expect.stringMatching(/^fatal: bad config .+\n$/) as string };
    await expect(remove(copy, "moons")).rejects.toMatchObject({ cause });
    await writeFile(config, text);
  });

  it("prints the usage for --help", async () => {
    for (const file of ["cli/remove.ts", "cli/events.ts"]) {
      expect(await copy.run("node", file, "--help")).toMatch(/npm run (remove|events)/);
    }
  });

  it("deletes the module's files and every line that names it, and says so", async () => {
    await remove(copy, "moons");
    await commit(copy);
    const output = await remove(copy, "stars");

    const names = ["docs/stars.md", "app/modules.ts", "stars-package", "STARS_TOKEN", "README.md", ".gitignore"];
    for (const name of names) expect(output).toContain(`\n  ${name}\n`);
    expect(await copy.run("git", "grep", "-il", "stars", "--", ":!test/cli")).toBe("README.md\n");
    expect(await readFile(join(copy.folder, "README.md"), "utf8")).toMatch(
      /\n\| moons \| stars \|\n\| -+ \| -+ \|\n\| two {3}\| few {3}\|\n$/,
    );
    // The commit before the module was added.
    expect(await copy.run("git", "diff", "--stat", "HEAD~2", "--", "app.json", "package*.json")).toBe("");
    await copy.run("git", "reset", "-q", "--hard", "HEAD~1");
  });
});

it("keeps the registry in a lock that names it", async () => {
  const lock = join(copy.folder, "package-lock.json");
  const text = await readFile(lock, "utf8");
  const resolved = '"resolved": "https://registry.example.com/zod/-/zod-';
  await writeFile(lock, text.replace(/"node_modules\/zod": \{\n\s*"version": "(.+)",/, `$&\n${resolved}$1.tgz",`));
  await commit(copy);
  await remove(copy, "moons");
  await commit(copy);
  await copy.run("env", "npm_config_omit_lockfile_registry_resolved=false", "node", "cli/remove.ts", "stars");
  expect(await readFile(lock, "utf8")).toContain(resolved);
  await copy.run("git", "reset", "-q", "--hard", "HEAD~2");
});

it("says after Ctrl-C how to go back", async () => {
  await remove(copy, "moons");
  await commit(copy);
  const child = spawn(process.execPath, ["cli/remove.ts", "stars"], { cwd: copy.folder, stdio: "pipe" });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  await until("it has begun to write", async () => (await copy.run("git", "status", "--porcelain")) !== "");
  child.kill("SIGINT");
  const [exitCode] = (await once(child, "exit")) as [number];
  expect({ exitCode, errors }).toEqual({
    exitCode: 130,
    errors: "Stopped. `git checkout . && git clean -n` shows what is left.\n",
  });
  await copy.run("git", "reset", "-q", "--hard", "HEAD~1");
});
