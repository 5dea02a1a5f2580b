import type { Registry } from "prom-client";
import type { Sql } from "../db/connect.ts";
import type { Link, Middleware } from "../http/context.ts";
import type { Module } from "../http/module.ts";

type Route = [method: "get" | "post", path: string, ...handlers: Middleware[]];

/** What another module adds to the operations page. */
export type OperatorPages = {
  /** Its links on the operations page. */
  links: Link[];
  /** Its routes below `/ops`. Their handlers run for operators alone. */
  routes(options: { sql: Sql; origin: string }): Route[];
  /** Adds metrics that it reads from the database. Runs at each scrape. */
  addMetrics(registry: Registry, sql: Sql): Promise<void>;
};

/** @public Modules use it. */
export type OperatorModule = Module & { operatorPages: OperatorPages };

export function operatorPagesOf(modules: Module[]): OperatorPages[] {
  return modules.filter(isOperatorModule).map(({ operatorPages }) => operatorPages);
}

function isOperatorModule(module: Module): module is OperatorModule {
  return "operatorPages" in module;
}
