// One line registers a module, with its task types, schedule, consumers and environment. To remove one:
// docs/make-it-yours.md.
export type { Module } from "./module.ts";
export { digest } from "./digest/module.ts";
export { passkeys } from "./passkeys/module.ts";
export { webhooks } from "./webhooks/module.ts";
