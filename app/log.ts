import { pino, type Logger } from "pino";

export type Log = Logger;

/** JSON lines on stdout. Errors have only type, code and stack: the detail of a database error quotes addresses. */
export function createLog(level: string, process: "web" | "worker"): Log {
  return pino({ level, base: { process }, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describe } });
}

function describe(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error ? error.code : undefined;
  return { type: error.name, code, stack: error.stack };
}
