// Preloaded into web and worker: they end when the runner is gone, even when nobody could tell them (kill -9).
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// Listening would keep a process alive that has nothing left to do.
process.channel?.unref();
