import type { z } from "zod";
import type { Sql } from "../app/db/connect.ts";
import type { WorkerEnv } from "../app/env.ts";
import type { Handler } from "./engine/task.ts";
import type { Consumer } from "./events/consume.ts";
import type { MakeLink } from "./mail/email-link.ts";
import type { LimitMails } from "./mail/mail-limits.ts";
import type { Mailer } from "./mail/mailer.ts";
import type { Recurring } from "./recurring.ts";

type Env<Shape extends z.ZodRawShape> = WorkerEnv & z.infer<z.ZodObject<Shape>>;

/** What the handlers of a module are made of. */
export type Parts = { sql: Sql; mailer: Mailer; limitMails: LimitMails; makeLink: MakeLink };

/** What a module adds to the worker. It is registered by a line in worker/modules.ts. */
export type Module<Shape extends z.ZodRawShape = z.ZodRawShape> = {
  /** The modules whose files or tables it uses. */
  requires?: string[];
  /** The names that it reads from the environment. */
  env?: Shape;
  /** What `npm run dev` sets. */
  developmentEnv?: Record<string, string>;
  /** Its task types. */
  createHandlers?(parts: Parts & { env: Env<Shape> }): Record<string, Handler>;
  /** Its recurring tasks. */
  schedule?(env: z.infer<z.ZodObject<Shape>>): Recurring[];
  /** Its subscribers of the feed. */
  consumers?: Consumer[];
};

/**
 * A module whose functions get the environment typed by its own schema.
 * @public Modules use it.
 */
export function defineModule<Shape extends z.ZodRawShape>(module: Module<Shape>): Module {
  return module;
}
