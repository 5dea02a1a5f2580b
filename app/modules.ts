// One line registers a module: its routes, navigation and environment hang on that. docs/make-it-yours.md tells how to remove one.
export type { Module } from "./http/module.ts";
export { ops } from "./ops/module.ts";
export { webhooks } from "./webhooks/module.ts";
