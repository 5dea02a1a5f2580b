// One line registers a module: its task types, schedule, consumers and environment hang on that. docs/make-it-yours.md tells how to
// remove one.
export type { Module } from "./module.ts";
export { digest } from "./digest/module.ts";
export { webhooks } from "./webhooks/module.ts";
