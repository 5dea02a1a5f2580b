import { z } from "zod";
import { freePort } from "../../dev/postgres.ts";
import { startChild, type Child } from "./child.ts";
import { until } from "./clock.ts";

type Web = AsyncDisposable & { child: Child; url: string };

type Options = { script: string; env: Record<string, string>; healthPath: string; isEntry?: boolean };

/** Starts a web process, and waits until it responds. */
export async function startWebProcess({ script, env, healthPath, isEntry = false }: Options): Promise<Web> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(script, { env: { PORT: String(port), ORIGIN: url, ...env }, isEntry });
  const isHealthy = () =>
    fetch(url + healthPath).then(
      ({ ok }) => ok,
      () => false,
    );
  try {
    await Promise.race([until(`${url} responds`, isHealthy), child.ended]);
  } catch (error) {
    await child.end();
    throw error;
  }
  return { child, url, [Symbol.asyncDispose]: child.end };
}

/** The web process of this project, behind one proxy. */
export function startOwnWeb(databaseUrl: string): Promise<Web> {
  const env = { DATABASE_URL: databaseUrl, TRUST_PROXY: "1" };
  return startWebProcess({ script: "app/main.ts", env, healthPath: "/readyz", isEntry: true });
}

/** The environment of a worker of this project; its mails cannot be delivered. */
export function workerSettings(databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SMTP_URL: "smtp://127.0.0.1:1",
    MAIL_FROM: "bench@example.com",
    ORIGIN: "https://bench.example.com",
  };
}

/** A mail server in a process of its own that accepts and drops every mail. */
export async function startSmtpSink(count = Infinity) {
  const child = startChild("bench/processes/smtp-sink.ts", { env: { COUNT: String(count) } });
  const { url } = z.object({ url: z.string() }).parse(await child.receive("ready"));
  return {
    url,
    /** Mails per second, from the first to the last of `count`. */
    async rate() {
      const { first, last } = z.object({ first: z.number(), last: z.number() }).parse(await child.receive("all"));
      return ((count - 1) / (last - first)) * 1000;
    },
    [Symbol.asyncDispose]: child.end,
  };
}
