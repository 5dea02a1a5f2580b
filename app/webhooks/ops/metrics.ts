import type { Registry } from "prom-client";
import type { Sql } from "../../db/connect.ts";
import { gauge } from "../../ops/database-metrics.ts";
import { readWebhooks } from "../read-webhooks.ts";

/** Each endpoint that fails is a series of its own. */
const mostFailing = 100;

export async function addMetrics(registry: Registry, sql: Sql): Promise<void> {
  const webhooks = await readWebhooks(sql);
  const receivers = gauge(registry, "webhook_receivers", "Endpoints of webhooks by state.", ["state"]);
  for (const state of ["ok", "down", "waiting", "disabled"] as const)
    receivers.set({ state }, webhooks.filter((one) => one.state === state).length);

  const help = `Failures in a row of an endpoint that fails. At most ${mostFailing} endpoints.`;
  const failures = gauge(registry, "webhook_receiver_failures", help, ["webhook_id"]);
  const failing = webhooks.filter((one) => one.failures > 0).slice(0, mostFailing);
  for (const { webhook_id, failures: count } of failing) failures.set({ webhook_id }, count);
}
