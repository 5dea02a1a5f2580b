import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Context, Middleware } from "./context.ts";

const folder = new URL("../assets/", import.meta.url);
/** Only these files are served. */
const names = new Set(readdirSync(folder));

type Asset = { hash: string; bytes: Buffer; gzipped: Buffer };

const loaded = new Map<string, Asset>();

/** The URL of a static file. It changes with the content, so browsers may cache it forever. */
export function assetUrl(name: string, isDevelopment: boolean): string {
  // In development, a reload shows an edited file.
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

    // During a rolling release, a page of the other release may request another hash: do not cache the response.
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
  // Weak, because the compressed and the plain bytes share it.
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
  if (!names.has(name)) return undefined;
  const known = loaded.get(name);
  if (known) return known;

  const bytes = readFileSync(new URL(name, folder));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const asset = { hash, bytes, gzipped: gzipSync(bytes, { level: 9 }) };
  loaded.set(name, asset);
  return asset;
}
