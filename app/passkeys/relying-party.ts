import { isIP } from "node:net";
import { siteName } from "../env.ts";

/** The site, as devices know it. A passkey works on this host and this origin alone. */
export type RelyingParty = { id: string; name: string; origin: string };

/** Undefined where browsers offer no passkeys: an IP address, or plain http on any host but localhost. */
export function relyingParty(origin: string): RelyingParty | undefined {
  const { protocol, hostname } = new URL(origin);
  const isLocal = hostname === "localhost" || hostname.endsWith(".localhost");
  const isAddress = isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
  if (isAddress || (protocol !== "https:" && !isLocal)) return undefined;
  return { id: hostname, name: siteName, origin };
}
