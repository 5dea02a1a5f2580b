import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const docs = (await readdir(join(root, "docs"))).map((name) => `docs/${name}`);
const others = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "worker/engine/README.md"];
const pages = [...others.filter((page) => existsSync(join(root, page))), ...docs];
const texts = new Map(await Promise.all(pages.map(async (page) => [page, await read(page)] as const)));
const tour = texts.get("docs/tour.md");

describe.skipIf(tour === undefined)("docs/tour.md", () => {
  it("quotes words that stand in the lines that it links to", async () => {
    const steps = [...tour!.matchAll(/\]\(\.\.\/([^)#]+)#L(\d+)\) `([^`]+)`/g)];
    expect(steps.length).toBe(tour!.split("#L").length - 1);
    const moved = await Promise.all(
      steps.map(async ([, file = "", number, quoted = ""]) => {
        const source = lines(await read(file));
        if (source[Number(number) - 1]?.includes(quoted)) return [];
        const found = source.findIndex((line) => line.includes(quoted)) + 1;
        return [`${file}#L${number}: "${quoted}" is in line ${found || "none"}`];
      }),
    );
    expect(moved.flat()).toEqual([]);
  });
});

const growing = texts.get("docs/growing.md");

describe.skipIf(growing === undefined)("docs/growing.md", () => {
  it.each(["patroni.yml", "haproxy.cfg", "pgbouncer.ini"])("shows %s as it was tested, whole", async (file) => {
    const shown = [...growing!.matchAll(/^```\w+\n([^]*?)^```$/gm)].map(([, text]) => text);
    expect(shown).toContain(await read(`test/support/cluster/${file}`));
  });
});

describe("each page", () => {
  it.each(pages)("%s has no dead link", async (page) => {
    const links = linksIn(withoutCode(texts.get(page)!), page);
    const alive = await Promise.all(links.map(isAlive));
    expect(links.filter((_, index) => !alive[index])).toEqual([]);
  });

  it.each(pages)("%s has a partner for each mark", (page) => {
    const marked = /^ *<!-- begin (\w+) -->\n[^]*?^ *<!-- end \1 -->\n/gm;
    expect(
      texts
        .get(page)!
        .replaceAll(marked, "")
        .match(/^ *<!-- (begin|end) .*/gm) ?? [],
    ).toEqual([]);
  });
});

function read(file: string): Promise<string> {
  return readFile(join(root, file), "utf8");
}

const lines = (text: string) => text.trimEnd().split("\n");
const withoutCode = (text: string) => text.replaceAll(/^ *```[^]*?^ *```$/gm, "");

/** The links to files of the project, as paths from its root. */
function linksIn(text: string, page: string): { file: string; anchor: string | undefined }[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source!,
  );
  return targets
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = "", anchor] = target.split("#");
      return { file: join(page, path ? ".." : "", path), anchor };
    });
}

async function isAlive({ file, anchor }: { file: string; anchor: string | undefined }): Promise<boolean> {
  if (!existsSync(join(root, file))) return false;
  if (!anchor || /^L\d/.test(anchor)) return true;
  const headings = (await read(file)).match(/^#+ .+$/gm) ?? [];
  return headings.map(anchorOf).includes(anchor);
}

/** As GitHub names a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");
}
