/** Aborts when it is time to stop: Ctrl-C, a plain kill, a closed terminal, or npm gone. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();

  // Not once: a second Ctrl-C must not end this process before the others.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  followNpm(stop);
  // Writing to a terminal that was closed must not end it either.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  return controller.signal;
}

/** Killed by force, npm cannot pass that on; it only stops being the parent. */
function followNpm(stop: () => void): void {
  if (!process.env.npm_lifecycle_event) return;
  const npm = process.ppid;
  setInterval(() => process.ppid === npm || stop(), 500).unref();
}
