import type { Consumer } from "./consume.ts";
import { oweWebhooks } from "../webhooks/owe-webhooks.ts";

/** Who follows the feed of events, in whichever worker comes first. */
export const consumers: Consumer[] = [oweWebhooks];
