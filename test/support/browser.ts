import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import type { Result } from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";

/** One real Chromium for the tests of a file, closed after the last. */
export function openBrowser() {
  let folder: string;
  let browser: Browser;

  // In a hook: what a file opens while it is read stays behind when the rest of it fails.
  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/chromium-`);
    browser = await launch(folder);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  return {
    /** A page at `url` in a context of its own, which may have a cookie. The test fails if a page complains or asks another origin for anything. */
    async visit(url: string, options: BrowserContextOptions = {}, cookie?: string): Promise<Page> {
      const context = await browser.newContext(options);
      const { origin } = new URL(url);
      const [name = "", value = ""] = cookie?.split("=") ?? [];
      if (cookie) await context.addCookies([{ name, value, url: origin }]);
      const page = await context.newPage();
      const complaints = listen(page, origin);
      onTestFinished(async () => {
        await context.close();
        expect(complaints).toEqual([]);
      });
      await page.goto(url);
      return page;
    },
  };
}

const axe = await readFile(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** What is wrong with the page, or too wide, on a narrow and on a wide screen, each in one of the schemes. */
export async function pageProblems(page: Page, onNarrow: "dark" | "light" = "dark"): Promise<string[]> {
  const found: string[] = [];
  for (const [width, colorScheme] of [
    [375, onNarrow],
    [1280, onNarrow === "dark" ? "light" : "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const violation of await axeViolations(page)) found.push(`${width} ${colorScheme}: ${violation}`);
    const needed = Number(await page.evaluate("document.documentElement.scrollWidth"));
    if (needed > width) found.push(`${width} ${colorScheme}: needs ${needed}`);
  }
  return found;
}

/** What axe finds wrong with the page as it stands. */
export async function axeViolations(page: Page): Promise<string[]> {
  // It stays in the page for the next look at it, and so does what passed, which is most of the result.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
  const found = await page.evaluate("axe.run().then(({ violations }) => violations)");
  return (found as Result[]).flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

async function launch(folder: string): Promise<Browser> {
  // The package brings a build for this one platform: elsewhere it is the Chrome that is installed.
  if (process.platform !== "linux" || process.arch !== "x64") return chromium.launch({ channel: "chrome" });

  // Not by the package's own function: it leaves /tmp/chromium behind for this user alone, half written to whoever comes second.
  const packed = fileURLToPath(new URL("../bin/chromium.br", import.meta.resolve("@sparticuz/chromium")));
  const executablePath = `${folder}/chromium`;
  await pipeline(
    createReadStream(packed),
    createBrotliDecompress({ chunkSize: 2 ** 21 }),
    createWriteStream(executablePath, { mode: 0o700 }),
  );
  // Root may not use the sandbox, and only our own pages are opened.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

function listen(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Chromium's own words for each 4xx and 5xx, pages included; those of other files are caught below.
    if (message.text().startsWith("Failed to load resource: the server responded")) return;
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asked ${request.url()}`);
  });
  page.on("response", (response) => {
    const isPage = response.request().resourceType() === "document";
    if (!isPage && !response.ok() && response.status() !== 304)
      complaints.push(`${response.status()} ${response.url()}`);
  });
  return complaints;
}
