import { isIPv4, isIPv6 } from "node:net";

/**
 * The network by which requests are counted: an IPv4 address, or the /64 of an IPv6 address, because one client may
 * use any address in it. Anything else that a proxy sends is the network "unknown".
 */
export function clientNetwork(ip: string): string {
  // Some proxies add the port.
  const address = ip.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
  const plain = plainAddress(address);
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return "unknown";
  return `${groupsOf(plain).slice(0, 4).join(":")}::/64`;
}

/** Unwraps an IPv4 address that a dual-stack socket wraps in IPv6 (`::ffff:203.0.113.7`). */
export function plainAddress(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const groups = groupsOf(ip);
  const isMapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  return isMapped ? groups.slice(6).flatMap(bytesOf).join(".") : ip;
}

/** The eight groups in their shortest form. The URL parser reads every notation of an address, but no zones. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

function bytesOf(group: string): number[] {
  const number = parseInt(group, 16);
  return [number >> 8, number & 255];
}
