import { setTimeout as delay } from "node:timers/promises";
import { Readable } from "node:stream";
import { readLastEvents } from "../db/feed.ts";
import type { Sql } from "../db/connect.ts";
import type { Link, Middleware } from "../http/context.ts";
import { page, render } from "../http/page.ts";
import { findHolder, readLags } from "./feed-lag.ts";
import * as format from "./format.ts";
import { drawCharts } from "./last-hour.ts";
import { readOverview } from "./read-overview.ts";

const pauseSeconds = 2;
const keptMilliseconds = 1000;
const longestStreamSeconds = 60;

/** The figures of the page, cached for a second: many viewers cost no more than one. */
type Reading = () => ReturnType<typeof readPage>;

export function createReading(sql: Sql): Reading {
  let latest: ReturnType<typeof readPage> | undefined;
  const forget = () => void setTimeout(() => (latest = undefined), keptMilliseconds).unref();
  return () => (latest ??= readPage(sql).finally(forget));
}

export function showOverview(read: Reading, links: Link[]): Middleware {
  return async (ctx) => {
    await page(ctx, "ops/overview", { title: "Operations", links, ...(await read()) });
  };
}

/**
 * Server-sent events, each with the part of the page that changes. A stream ends after a minute and the browser asks
 * again, so a former operator loses it. It ends at once when the process stops.
 */
export function streamOverview(read: Reading, stopping: AbortSignal): Middleware {
  const rendered = new WeakMap<object, Promise<string>>();

  async function renderLatest(env: string): Promise<string> {
    const data = await read();
    const html = rendered.get(data) ?? render(env, "ops/live", data);
    rendered.set(data, html);
    return html;
  }

  async function* messages(env: string) {
    const end = performance.now() + longestStreamSeconds * 1000;
    while (!stopping.aborted && performance.now() < end) {
      yield `retry: 1000\ndata: ${JSON.stringify(await renderLatest(env))}\n\n`;
      await delay(pauseSeconds * 1000, undefined, { signal: stopping }).catch(() => {});
    }
  }

  return (ctx) => {
    ctx.type = "text/event-stream";
    // Without this, some proxies buffer the response until it ends.
    ctx.set("X-Accel-Buffering", "no");
    ctx.body = ctx.method === "HEAD" ? "" : Readable.from(messages(ctx.app.env), { highWaterMark: 1 });
  };
}

async function readPage(sql: Sql) {
  const [overview, events, lags, holder] = await Promise.all([
    readOverview(sql),
    readLastEvents(sql, 8),
    readLags(sql),
    findHolder(sql),
  ]);
  const charts = drawCharts(overview.minutes);
  return { ...overview, charts, events: events.toReversed(), lags, holder, format };
}
