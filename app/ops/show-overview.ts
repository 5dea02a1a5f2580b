import { setTimeout as delay } from "node:timers/promises";
import { Readable } from "node:stream";
import type { Sql } from "../db/connect.ts";
import { findHolder, readLags } from "../events/feed-lag.ts";
import { readLastEvents } from "../db/feed.ts";
import type { Middleware } from "../http/context.ts";
import { page, render } from "../http/page.ts";
import { drawCharts } from "./charts.ts";
import { readOverview } from "./overview.ts";
import * as words from "./words.ts";

const secondsBetween = 2;
const keptMilliseconds = 1000;
const longestStreamSeconds = 60;

/** What there is to show; kept for a second from its end, so that many who look on cost no more than one. */
export type Reading = () => ReturnType<typeof present>;

export function createReading(sql: Sql): Reading {
  let latest: ReturnType<typeof present> | undefined;
  const forget = () => void setTimeout(() => (latest = undefined), keptMilliseconds).unref();
  return () => (latest ??= present(sql).finally(forget));
}

export function showOverview(read: Reading): Middleware {
  return async (ctx) => {
    await page(ctx, "ops/overview", { title: "Operations", ...(await read()) });
  };
}

/**
 * Server-sent events, each with the part of the page that changes. A stream ends after a minute and the browser asks again: so
 * it is over for whoever is no longer an operator. It ends at once when the process is to stop.
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
      await delay(secondsBetween * 1000, undefined, { signal: stopping }).catch(() => {});
    }
  }

  return (ctx) => {
    ctx.type = "text/event-stream";
    // Some proxies would keep it back until it is complete.
    ctx.set("X-Accel-Buffering", "no");
    ctx.body = ctx.method === "HEAD" ? "" : Readable.from(messages(ctx.app.env), { highWaterMark: 1 });
  };
}

async function present(sql: Sql) {
  const [overview, events, lags, holder] = await Promise.all([
    readOverview(sql),
    readLastEvents(sql, 8),
    readLags(sql),
    findHolder(sql),
  ]);
  const charts = drawCharts(overview.minutes);
  return { ...overview, charts, events: events.toReversed(), lags, holder, words };
}
