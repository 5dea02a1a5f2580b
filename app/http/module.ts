import type { Router } from "@koa/router";
import type { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Log } from "../log.ts";
import type { CurrentUser, Link, Middleware, PageWithSlot, Part, State } from "./context.ts";

type Options<Env> = {
  sql: Sql;
  log: Log;
  origin: string;
  env: Env;
  /** Aborted when the process stops: ends responses that never end by themselves. */
  stopping: AbortSignal;
  /** All registered modules: one may declare something for another. */
  modules: Module[];
};

/** What a module adds to the web process. It is registered by a line in app/modules.ts. */
export type Module<Shape extends z.ZodRawShape = z.ZodRawShape> = {
  /** The modules whose files it uses. */
  requires?: string[];
  /** The names that it reads from the environment. */
  env?: Shape;
  start?(options: Options<z.infer<z.ZodObject<Shape>>>): ModuleParts;
};

export type ModuleParts = {
  /** What passes before all routes. */
  addGuards?: (router: Router<State>) => void;
  addRoutes?: (router: Router<State>) => void;
  /** Paths that are served by plain http, too. */
  probes?: string[];
  /** Wraps every request. */
  middleware?: Middleware;
  /** What it adds to the navigation of a logged-in user. */
  findLinks?: (user: CurrentUser) => Promise<Link[]>;
  /** What it adds to the data that a user may download. */
  findData?: (user: CurrentUser) => Promise<Record<string, unknown>>;
  /** How its events read in the recent activity of an account, by type. */
  eventWords?: Record<string, string>;
  /** What it adds to pages of the core. */
  parts?: Partial<Record<PageWithSlot, Part>>;
};

/**
 * A module whose `start` gets the environment typed by its own schema.
 * @public Modules use it.
 */
export function defineModule<Shape extends z.ZodRawShape>(module: Module<Shape>): Module {
  return module;
}
