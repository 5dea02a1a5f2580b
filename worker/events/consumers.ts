import type { Consumer } from "./consume.ts";
import { oweWebhooks } from "../owe-webhooks.ts";

/** Who follows the feed of events, in whichever worker comes first. */
export const consumers: Consumer[] = [oweWebhooks];
