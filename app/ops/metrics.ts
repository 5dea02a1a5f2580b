import { createHash, timingSafeEqual } from "node:crypto";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { isUnavailable, type Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { databaseMetrics, metricName } from "./database-metrics.ts";
import type { OperatorPages } from "./operator-pages.ts";

/** A stream stays open by design: its duration says nothing about speed. */
const untimed = new Set(["/ops/events"]);

/**
 * Prometheus scrapes it with the token. Without a token in the environment the path is 404. `timeRequests` times the
 * requests of this process; all other metrics are read from the database at each scrape.
 */
export function createMetrics(
  sql: Sql,
  token: string | undefined,
  added: OperatorPages[],
): { timeRequests: Middleware; showMetrics: Middleware } {
  if (token === undefined) return { timeRequests: (_, next) => next(), showMetrics: (ctx) => ctx.throw(404) };

  const own = new Registry();
  collectDefaultMetrics({ register: own, prefix: metricName("web_") });
  const durations = new Histogram({
    name: metricName("http_request_duration_seconds"),
    help: "Requests of this process, by the route's pattern.",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [own],
  });

  return {
    async timeRequests(ctx, next) {
      const stop = durations.startTimer();
      ctx.res.once("close", () => {
        const route = String(ctx.routerPath ?? "none");
        const status = ctx.res.writableFinished ? String(ctx.status) : "aborted";
        if (!untimed.has(route)) stop({ method: ctx.method, route, status });
      });
      await next();
    },

    async showMetrics(ctx) {
      if (!isSame(ctx.get("Authorization"), `Bearer ${token}`)) {
        ctx.set("WWW-Authenticate", "Bearer");
        ctx.throw(401);
      }
      const ofDatabase = await databaseMetrics(sql, added).catch((error: unknown) => {
        if (isUnavailable(error)) return undefined;
        throw error;
      });
      const parts = [own, up(ofDatabase !== undefined), ...(ofDatabase ? [ofDatabase] : [])];
      ctx.set("Content-Type", own.contentType);
      ctx.body = await Registry.merge(parts).metrics();
    },
  };
}

/** Compares hashes: the time depends neither on the length nor on the first difference. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

const digest = (text: string) => createHash("sha256").update(text).digest();

function up(isUp: boolean): Registry {
  const registry = new Registry();
  const help = "1 if the database has answered this scrape.";
  new Gauge({ name: metricName("database_up"), help, registers: [registry] }).set(isUp ? 1 : 0);
  return registry;
}
