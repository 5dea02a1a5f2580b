import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { Pool } from "pg";
import "../support/messages.ts";

// Email and password on Postgres with all defaults, except that its rate limit is off.

const options = {
  database: new Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
  baseURL: process.env.ORIGIN,
  secret: "only for measuring, and therefore no secret at all",
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  logger: { disabled: true },
  telemetry: { enabled: false },
};

const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(Number(process.env.PORT), "127.0.0.1");
