// Preloaded into web and worker: they end when the runner has ended, even if it was killed.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// The channel must not keep the process alive.
process.channel?.unref();
