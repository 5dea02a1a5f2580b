// One line registers a module with its task types, schedule, consumers and environment. docs/make-it-yours.md says how
// to remove one.
export type { Module } from "./module.ts";
export { digest } from "./digest/module.ts";
export { webhooks } from "./webhooks/module.ts";
