import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFiles } from "../../cli/modules/files.ts";
import { moduleNames } from "../../cli/modules/registered.ts";
import { problemWithProjectName } from "../../cli/template/options.ts";
import { copyProject, type Copy } from "../support/copy.ts";
import { until } from "../support/until.ts";

let template: Copy;
let parent: string;
beforeAll(async () => {
  template = await copyProject();
  parent = await mkdtemp(join(tmpdir(), "new-"));
  await mkdir(join(parent, "full"));
  await writeFile(join(parent, "full/file"), "mine");
  await symlink("missing", join(parent, "nowhere"));
});
afterAll(() => rm(parent, { recursive: true }));

const makeNew = (...words: string[]) => template.run("node", "cli/template/new.ts", ...words);
const git = (folder: string, ...words: string[]) => template.run("git", "-C", folder, ...words);

describe("npm run new", () => {
  it("makes a project with its own name, history and texts, and says what to type next", async () => {
    const target = join(parent, "pear-tree");
    const output = await makeNew(target, "--core");

    expect(output).toContain(`\n  cd ${target}\n  npm ci && npm run dev\n`);
    expect(await git(target, "log", "--all", "--format=%D %s")).toBe("HEAD -> main, template Start pear-tree\n");
    expect(await git(target, "status", "--porcelain", "--ignored")).toBe("");
    expect(await git(target, "ls-files")).not.toMatch(/slim.?signup|\.png$/im);
    const words = await git(
      target,
      "grep",
      "-iIhoE",
      "slim.?signup|pear.?tree",
      "--",
      ".",
      ":!LICENSE",
      ":!bench/results.md",
    );
    for (const word of words.trim().split("\n")) expect(word).toMatch(/^pear[-_ ]tree$/);
    const read = (path: string) => readFile(join(target, path), "utf8");
    expect(await read("README.md")).toMatch(/^# pear-tree\n\nSay here what it is for\.\n\nIt follows/);
    expect(await read("CHANGELOG.md")).toMatch(/## \[Unreleased\]\n$/);
    expect(await read("LICENSE")).toContain("slim-signup authors\nCopyright (c) YEAR YOUR NAME\n");
    expect(JSON.parse(await read("package.json"))).toMatchObject({
      name: "pear-tree",
      version: "0.1.0",
      description: "",
    });
    expect(await read("package-lock.json")).not.toContain('"resolved"');
    expect(((await stat(join(target, ".ci/run"))).mode & 0o111) > 0).toBe(true);
    expect((await stat(target)).mode).toBe((await stat(join(parent, "full"))).mode);
  });

  it("fills an empty folder, under another name and without some modules", async () => {
    const target = join(parent, "empty");
    await mkdir(target);
    const all = moduleNames(readFiles(template.folder));
    const without = all.filter((name) => name !== "ops");
    const output = await makeNew(target, "--name", "plum-jam", "--without", without.join(","));
    expect(output).toContain("plum-jam is ready, with ops.");
    expect(moduleNames(readFiles(target))).toEqual(["ops"]);
    expect(await readdir(parent)).not.toContainEqual(expect.stringMatching(/\.tmp$/));
  });

  it("commits without an identity, whatever the user's git is set to do", async () => {
    const home = join(parent, "home");
    await mkdir(join(home, "hooks"), { recursive: true });
    await writeFile(join(home, "hooks/pre-commit"), "#!/bin/sh\nexit 1\n");
    await chmod(join(home, "hooks/pre-commit"), 0o755);
    await writeFile(join(home, "ignored"), "*.md\n");
    await writeFile(
      join(home, ".gitconfig"),
      `[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = false
[core]\n\thooksPath = ${home}/hooks\n\texcludesFile = ${home}/ignored\n[init]\n\tdefaultBranch = trunk\n\ttemplateDir = ${home}\n`,
    );
    const target = join(parent, "stubborn");
    const settings = [`GIT_CONFIG_GLOBAL=${home}/.gitconfig`, "GIT_CONFIG_SYSTEM=/dev/null", "GIT_INDEX_FILE=other"];
    await template.run("env", ...settings, "node", "cli/template/new.ts", target, "--core");
    expect(await git(target, "ls-files", "README.md")).toBe("README.md\n");
    expect(await git(target, "log", "--format=%an %D")).toContain("HEAD -> main, template");
    expect(await readdir(join(target, ".git"))).not.toContain("hooks");
  });

  it("takes a folder from where the person stands", async () => {
    await template.run(
      "env",
      `INIT_CWD=${join(parent, "full")}`,
      "node",
      "cli/template/new.ts",
      "../standing",
      "--core",
    );
    expect(await git(join(parent, "standing"), "log", "--format=%s")).toBe("Start standing\n");
  });

  it.each(["shop", "pear", "todo", "notes", "orders"])("takes the name %s", (name) => {
    expect(problemWithProjectName(name, readFiles("."))).toBeUndefined();
  });

  it.each([
    ["Makes a project of your own"],
    ["Makes a project of your own", ""],
    ["Makes a project of your own", "$/pear", "$/plum"],
    ["Makes a project of your own", "$/pear", "--force"],
    ["is not a name", "$/Pear"],
    ["is not a name", "$/pear tree"],
    ["is not a name", "$/pear", "--name", ""],
    ["is not a name", "$/pear", "--name", "pear-"],
    ["is not a name", "$/pear", "--name", "../pear"],
    ["A name has at most 40 characters.", "$/pear", "--name", "pear-".repeat(9) + "tree"],
    ["slim-signup is the template's own name.", "$/pear", "--name", "slim-signup"],
    ["koa is a package that the project depends on: choose another name.", "$/koa"],
    ["worker means something else in ", "$/worker"],
    ["constructor means something else in ", "$/constructor"],
    ['There is no module "comets". The modules are ', "$/pear", "--without", "comets"],
    ['There is no module "comets". The modules are ', "$/pear", "--core", "--without", "comets"],
    ["digest needs ops: leave out digest, too.", "$/pear", "--without", "ops"],
    ["inside is inside the template: choose a folder beside it.", "inside"],
    ["views is inside the template: choose a folder beside it.", "views"],
    [". is inside the template: choose a folder beside it.", "."],
    ["full is not empty.", "$/full"],
    ["full/file is a file.", "$/full/file"],
    ["missing does not exist.", "$/missing/pear"],
    ["nowhere is a link that leads nowhere.", "$/nowhere"],
    // Not even root can write there.
    ["Cannot write to /proc.", "/proc/pear-tree"],
  ])('says "%s" for %j, and writes nothing', async (sentence, ...words) => {
    const before = await readdir(parent);
    const cause = { code: 2, stderr: expect.stringContaining(sentence) as string };
    await expect(makeNew(...words.map((word) => word.replace("$", parent)))).rejects.toMatchObject({ cause });
    expect(await readdir(parent)).toEqual(before);
    expect(await template.run("git", "status", "--porcelain")).toBe("");
  });

  it("refuses uncommitted changes, and a folder without git", async () => {
    await writeFile(join(template.folder, "notes.txt"), "mine");
    await expect(makeNew(join(parent, "pear"))).rejects.toMatchObject({
      cause: { code: 2, stderr: "Commit your changes first.\n" },
    });
    await rm(join(template.folder, "notes.txt"));

    await template.run("mv", ".git", ".hidden");
    await expect(makeNew(join(parent, "pear"))).rejects.toMatchObject({
      cause: { code: 2, stderr: expect.stringContaining("is not a git checkout.") as string },
    });
    await template.run("mv", ".hidden", ".git");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves nothing after %s", async (signal) => {
    const before = await readdir(parent);
    const target = join(parent, "plum-tart");
    const child = spawn(process.execPath, ["cli/template/new.ts", target], { cwd: template.folder, stdio: "pipe" });
    let errors = "";
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    await until("it has begun to write", async () => (await readdir(parent)).length > before.length);
    child.kill(signal);
    const [exitCode] = (await once(child, "exit")) as [number];
    expect({ exitCode, errors }).toEqual({ exitCode: 130, errors: "Stopped. Nothing was changed.\n" });
    expect(await readdir(parent)).toEqual(before);
  });

  it("leaves nothing when the disk is full", async () => {
    const before = await readdir(parent);
    // No file may grow beyond 50 KiB.
    const command = `ulimit -f 50; exec node cli/template/new.ts ${join(parent, "plum-tart")}`;
    await expect(template.run("bash", "-c", command)).rejects.toMatchObject({
      cause: { code: 1, stderr: `Cannot write to ${parent}: the disk may be full. Nothing was changed.\n` },
    });
    expect(await readdir(parent)).toEqual(before);
  });

  it.skipIf(process.platform !== "linux")("asks on a terminal, and asks again after a bad answer", async () => {
    const target = join(parent, "plum-tart");
    const answers = [
      "~/missing/pear",
      "$/full",
      target,
      "Plum",
      "plum-jam",
      "comets",
      moduleNames(readFiles(template.folder)).join(", "),
    ];
    // Runs a command on a terminal of its own.
    const script = "/usr/bin/script";
    const child = spawn(script, ["-qec", `${process.execPath} cli/template/new.ts`, "/dev/null"], {
      cwd: template.folder,
      env: { ...process.env, SHELL: "/bin/sh" },
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    for (const [index, answer] of answers.entries()) {
      await until("it asks", () => output.split("): ").length > index + 1);
      child.stdin.write(`${answer.replace("$", parent)}\n`);
    }
    const [exitCode] = (await once(child, "exit")) as [number];
    expect(exitCode).toBe(0);
    expect(output).toContain(`The folder ${homedir()}/missing does not exist.`);
    expect(output).toContain(`Name (${basename(target)}): `);
    expect(output).toContain("plum-jam is ready, with the core alone.");
    expect(JSON.parse(await readFile(join(target, "package.json"), "utf8"))).toMatchObject({ name: "plum-jam" });
    expect(dirname(target)).toBe(parent);
  });
});
