// One line registers a module, with its routes, navigation and environment. To remove one: docs/make-it-yours.md.
export type { Module } from "./http/module.ts";
export { ops } from "./ops/module.ts";
export { passkeys } from "./passkeys/module.ts";
export { requirePasskeys } from "./passkeys/ops/module.ts";
export { webhooks } from "./webhooks/ops/module.ts";
