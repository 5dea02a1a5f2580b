import { lookup, Resolver } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { Permanent } from "../engine/errors.ts";

export type Address = { address: string; family: number };

const refusal = "Its address is private, loopback, link-local or reserved: refused.";

/** Returns all addresses of a name. */
export type Resolve = (name: string) => Promise<string[]>;

/**
 * The public addresses of a URL's host. Throws if it has none. The error is permanent for an address in the URL, but
 * not for a name, which may resolve to another address next time.
 */
export async function publicAddresses(host: string, resolve: Resolve): Promise<Address[]> {
  // The URL parser has turned every spelling of an IPv4 address into four numbers, and leaves IPv6 in brackets.
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(name) ? [name] : await resolve(name);
  const allowed = addresses.filter(isPublic);
  if (allowed.length === 0) throw isIP(name) ? new Permanent(refusal) : new Error(refusal);
  return allowed.map(withFamily);
}

/** All addresses of the host, including private ones. For development only. */
export async function anyAddresses(host: string): Promise<Address[]> {
  return lookup(host.replace(/^\[(.*)\]$/, "$1"), { all: true });
}

/** Asks DNS directly: lookup() would read /etc/hosts, and slow names would occupy Node's few threads. */
export async function resolveName(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const [first] = answers;
  if (addresses.length === 0 && first.status === "rejected") throw first.reason;
  return addresses;
}

/** Whether an address is on the public internet. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !reserved.check(address, "ipv4");
  return global.check(address, "ipv6") && !reserved.check(address, "ipv6");
}

// The IANA registries of special-purpose addresses, and Azure's metadata server. IPv6 outside 2000::/3 is not routed:
// loopback, link-local, unique local, mapped IPv4, NAT64. Teredo and 6to4 are inside and carry IPv4 addresses.
const reserved = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  reserved.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  reserved.addSubnet(network, prefix, "ipv6");

const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

const withFamily = (address: string): Address => ({ address, family: isIP(address) });
