import { z } from "zod";
import project from "../package.json" with { type: "json" };

/** The name that programs read: of the development database, its connections, downloads. Only package.json has it. */
export const projectName = project.name;

/** The name that people read, in pages and mails. It may have spaces and capitals. */
export const siteName = project.name;

/** The description in search engines. */
export const siteDescription = "Sign up with your email address and a password, and manage your account.";

type Source = Record<string, string | undefined>;

/** Modules read names of their own. */
type Modules = { env?: z.ZodRawShape }[];

export type WorkerEnv = ReturnType<typeof workerEnv>;

/** The environment of the web process. Lists every missing or bad name on stderr and exits 1. */
export function webEnv(modules: Modules = [], source: Source = process.env) {
  const env = read(source, { ...database(10), ...site(source), ...web }, modules);
  return { ...env, ORIGIN: env.ORIGIN ?? `http://localhost:${env.PORT}` };
}

/** The environment of the worker. Lists every missing or bad name on stderr and exits 1. */
export function workerEnv(modules: Modules = [], source: Source = process.env) {
  const core = { ...database(6, 3), ...site(source), ...worker };
  const env = read(source, core, modules);
  return { ...env, ORIGIN: env.ORIGIN ?? `http://localhost:${env.PORT}` };
}

/** The environment of migrations and commands. Lists every missing or bad name on stderr and exits 1. */
export function migrateEnv(source: Source = process.env) {
  return read(source, database(1));
}

/**
 * The public origin, for a command. Lists a missing or bad name on stderr and exits 1.
 * @public Commands of modules use it.
 */
export function originEnv(source: Source = process.env): string {
  const { ORIGIN, PORT } = read(source, site(source));
  return ORIGIN ?? `http://localhost:${PORT}`;
}

const database = (pool: number, leastPool = 1) => ({
  DATABASE_URL: required.refine(isDatabaseUrl, "must look like postgres://user:password@host:5432/name"),
  DATABASE_SSL: z.enum(["off", "require", "verify"], "must be off, require or verify").default("off"),
  DATABASE_POOL: integer(leastPool, 1000, pool),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], "must be a level of pino, e.g. info")
    .default("info"),
});

const site = ({ NODE_ENV }: Source) => ({
  PORT: integer(0, 65_535, 3000),
  // Guessed only in development: in production, a wrong guess would be in every mail.
  ORIGIN: NODE_ENV === "production" ? origin : origin.optional(),
});

const required = z.string("is required");

const origin = required
  .refine(isOrigin, "must be an origin without a path, e.g. https://example.com")
  .transform((text) => new URL(text).origin);

const web = {
  TRUST_PROXY: integer(0, 10, 0),
  SECURITY_CONTACT: z
    .string()
    .regex(/^(https:\/\/|mailto:)\S+$/, "must be a URL, e.g. mailto:security@example.com")
    .optional(),
  PWNED_PASSWORDS_URL: z
    .string()
    .refine(isRangeUrl, "must be an https URL, e.g. https://api.pwnedpasswords.com")
    .transform((text) => text.replace(/\/+$/, ""))
    .optional(),
};

const worker = {
  SMTP_URL: required.refine(
    (text) => /^smtps?:\/\/./.test(text) && isUrl(text),
    "must look like smtp://user:password@host:587 or smtps://…",
  ),
  MAIL_FROM: required.regex(/^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/, {
    error: "must look like a@example.com or Name <a@example.com>",
  }),
  TZ_MAIL: timeZone(),
  WORKER_CONCURRENCY: integer(1, 10_000, 20),
};

/**
 * A time zone by its place; UTC when it is left out.
 * @public Modules use it.
 */
export function timeZone() {
  return z.string().refine(isTimeZone, "must be UTC or a time zone by its place, e.g. Europe/Berlin").default("UTC");
}

function integer(min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.int().min(min, error).max(max, error))
    .default(fallback);
}

function isOrigin(text: string): boolean {
  if (!/^https?:/.test(text) || !URL.canParse(text)) return false;
  const { pathname, search, hash, username, password } = new URL(text);
  return pathname + search + hash + username + password === "/";
}

/** Plain http is for a service on the same machine. A redirect is not followed, so the path must be exact. */
function isRangeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || /[@?#\s]/.test(text)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && loopback.has(url.hostname));
}

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Several hosts are allowed. The URL parser takes only one, so each is checked alone. */
function isDatabaseUrl(text: string): boolean {
  const [, hosts = ""] = /^postgres(?:ql)?:\/\/(?:[^@/]*@)?([^/?]*)/.exec(text) ?? [];
  return (
    /^postgres(ql)?:/.test(text) && hosts !== "" && hosts.split(",").every((host) => isUrl(text.replace(hosts, host)))
  );
}

const places = /^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)\//;

function isTimeZone(text: string): boolean {
  try {
    // Only names of places: Postgres and Node disagree about the meaning of "+02:00" and "EST".
    return text === "UTC" || (places.test(text) && new Intl.DateTimeFormat("en", { timeZone: text }).format() !== "");
  } catch {
    return false;
  }
}

function isUrl(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

/** The environment, typed for the core's names. It also has the modules' values; each module types its own. */
function read<Core extends z.ZodRawShape>(source: Source, core: Core, modules: Modules = []) {
  // An empty value is how shells and dashboards say "not set".
  const set = Object.fromEntries(Object.entries(source).filter(([, value]) => value));
  const ofCore = z.object(core).safeParse(set);
  const ofModules = modules.map(({ env = {} }) => z.object(env).safeParse(set));
  if (ofCore.success && ofModules.every(({ success }) => success)) {
    const more = ofModules.flatMap(({ data }) => Object.entries(data ?? {}));
    return { ...Object.fromEntries(more), ...ofCore.data };
  }

  const issues = [ofCore, ...ofModules].flatMap(({ error }) => error?.issues ?? []);
  const lines = issues.map(({ path, message }) => `  ${path.join(".")} ${message}\n`);
  process.stderr.write(`The environment is not complete:\n${lines.join("")}`);
  process.exit(1);
}
