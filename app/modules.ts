// One line registers a module with its routes, navigation and environment. docs/make-it-yours.md says how to remove one.
export type { Module } from "./http/module.ts";
export { ops } from "./ops/module.ts";
export { webhooks } from "./webhooks/module.ts";
