import { createReadStream, existsSync } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import type { Result } from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { beforeAll, expect, onTestFinished } from "vitest";
import { until } from "./until.ts";

let shared: Promise<Browser> | undefined;

/** A real Chromium, one for all the files that a process runs. It ends with the process. */
export function openBrowser() {
  let browser: Browser;
  // In a hook, not while the file is read: it may take seconds.
  beforeAll(async () => {
    // One that crashed fails the tests of one file, not of all that follow.
    if (!(await shared)?.isConnected()) shared = launch();
    browser = await shared!;
  });

  return {
    /** A page at `url` in a new context. The test fails if the page logs an error or requests another origin. */
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

/** What axe finds, and what is wider than the screen, on a narrow and on a wide screen, each in one color scheme. */
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

/** What axe finds wrong with the page in its present state. */
export async function axeViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
  // Only violations: the details of what passed are most of the result.
  const found = await page.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)");
  return (found as Result[]).flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

async function launch(): Promise<Browser> {
  // The package contains a build for this platform alone; elsewhere the installed Chrome is used.
  if (process.platform !== "linux" || process.arch !== "x64") return chromium.launch({ channel: "chrome" });
  // Root cannot use the sandbox, and only our own pages are opened. Vitest ends its processes by SIGTERM: Playwright
  // would handle it and keep the process alive. Chromium ends by itself when its pipe closes.
  // No zygote and no GPU: fewer processes that may fail, and a third of the start is saved.
  const args = ["--no-sandbox", "--no-zygote", "--disable-gpu"];
  return chromium.launch({ executablePath: await unpack(), args, handleSIGTERM: false });
}

/**
 * Unpacks Chromium once per run: the first process does it, the others wait. The package's own function would leave it
 * in /tmp for one user only, half written for a second process.
 */
async function unpack(): Promise<string> {
  const executable = `${tmpdir()}/chromium`;
  const part = await open(`${executable}.part`, "wx", 0o700).catch(() => undefined);
  if (!part) {
    await until("another process has unpacked Chromium", () => existsSync(executable), 30);
    return executable;
  }
  const packed = fileURLToPath(new URL("../bin/chromium.br", import.meta.resolve("@sparticuz/chromium")));
  await pipeline(createReadStream(packed), createBrotliDecompress({ chunkSize: 2 ** 21 }), part.createWriteStream());
  await rename(`${executable}.part`, executable);
  return executable;
}

function listen(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Chromium logs each 4xx and 5xx, expected ones of pages included. Those of other files are caught below.
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
