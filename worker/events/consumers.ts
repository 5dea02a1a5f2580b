import type { Module } from "../module.ts";
import * as modules from "../modules.ts";
import type { Consumer } from "./consume.ts";

/** The subscribers of the feed. Each runs in one worker at a time. The core has none. */
export const consumers: Consumer[] = Object.values<Module>(modules).flatMap((module) => module.consumers ?? []);
