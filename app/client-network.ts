import { isIPv4, isIPv6 } from "node:net";

/**
 * Whose requests are counted together: an IPv4 address, or the /64 of an IPv6 address, of which one client may use any.
 * What a proxy writes in place of an address is one network for all.
 */
export function clientNetwork(ip: string): string {
  // Some proxies add the port.
  const address = ip.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return "unknown";

  const groups = groupsOf(address.replace(/%.*$/, ""));
  const isMapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  if (isMapped) return groups.slice(6).flatMap(bytesOf).join(".");
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** The eight groups in their shortest form. The URL parser knows all ways to write an address. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

function bytesOf(group: string): number[] {
  const number = parseInt(group, 16);
  return [number >> 8, number & 255];
}
