import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Context, Middleware } from "./context.ts";

// One file for the browser; a later rule wins over an earlier one of the same weight.
const styles = ["colors", "page", "text", "form", "notices", "content", "operations"];

/** What is served, and the files that it is made of. */
const files = new Map([
  ["favicon.svg", ["favicon.svg"]],
  ["form.js", ["form.js"]],
  ["ops.js", ["ops.js"]],
  ["style.css", styles.map((name) => `style/${name}.css`)],
]);

type Asset = { hash: string; bytes: Buffer; gzipped: Buffer };

const loaded = new Map<string, Asset>();

/** The URL of a static file. It changes with the content, so that browsers may keep it for ever. */
export function assetUrl(name: string, isDevelopment: boolean): string {
  // Read anew in development, so that a reload shows an edited file.
  if (isDevelopment) loaded.delete(name);
  const asset = load(name);
  if (!asset) throw new Error(`There is no asset ${name}.`);
  return `/assets/${asset.hash}/${name}`;
}

export function serveAsset(): Middleware {
  return (ctx) => {
    const [, , hash, name = ""] = ctx.path.split("/");
    const asset = load(name);
    if (!asset) return;

    // While releases roll, a page of the other release may ask: it gets what there is, but not for ever.
    send(ctx, name, asset, hash === asset.hash ? "public, max-age=31536000, immutable" : "no-cache");
  };
}

export function serveFavicon(): Middleware {
  return (ctx) => {
    const asset = load("favicon.svg");
    if (asset) send(ctx, "favicon.svg", asset, "public, max-age=86400");
  };
}

function send(ctx: Context, name: string, asset: Asset, cacheControl: string): void {
  ctx.set("Cache-Control", cacheControl);
  ctx.vary("Accept-Encoding");
  // Weak: the same for the compressed and the plain bytes.
  ctx.set("ETag", `W/"${asset.hash}"`);
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.type = name.slice(name.lastIndexOf("."));
  if (ctx.acceptsEncodings("gzip", "identity") !== "gzip") {
    ctx.body = asset.bytes;
    return;
  }
  ctx.set("Content-Encoding", "gzip");
  ctx.body = asset.gzipped;
}

function load(name: string): Asset | undefined {
  const parts = files.get(name);
  if (!parts) return undefined;
  const known = loaded.get(name);
  if (known) return known;

  const bytes = Buffer.from(parts.map(read).join("\n"));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const asset = { hash, bytes, gzipped: gzipSync(bytes, { level: 9 }) };
  loaded.set(name, asset);
  return asset;
}

function read(file: string): string {
  return readFileSync(new URL(`../assets/${file}`, import.meta.url), "utf8");
}
