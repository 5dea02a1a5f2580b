import type { Consumer } from "./consume.ts";
import { oweWebhooks } from "../webhooks/owe-webhooks.ts";

/** The subscribers of the feed, each run by one worker at a time. */
export const consumers: Consumer[] = [oweWebhooks];
