import { setFlagsFromString } from "node:v8";

// While the modules load, V8's young generation would grow to 32 MB and never shrink: 20 MB more for an idle process.
setFlagsFromString("--semi-space-growth-factor=1");
const { startWeb } = await import("./web.ts");
setFlagsFromString("--semi-space-growth-factor=2");

startWeb();
