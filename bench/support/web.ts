import { freePort } from "../../dev/postgres.ts";
import { startChild, type Child } from "./child.ts";
import { untilAnswers } from "./wait.ts";

export type Web = AsyncDisposable & { child: Child; url: string };

type Options = { script: string; env: Record<string, string>; healthPath: string; isEntry?: boolean };

/** A web process of ours or a peer's, when it answers. */
export async function startWebProcess({ script, env, healthPath, isEntry = false }: Options): Promise<Web> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(script, { env: { PORT: String(port), ORIGIN: url, ...env }, isEntry });
  try {
    await Promise.race([untilAnswers(url + healthPath), child.heard("never")]);
  } catch (error) {
    await child.end();
    throw error;
  }
  return { child, url, [Symbol.asyncDispose]: child.end };
}
