import { lookup, Resolver } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { Permanent } from "../engine/errors.ts";

export type Address = { address: string; family: number };

const refusal = "Its address is private, loopback, link-local or reserved: refused.";

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<string[]>;

/**
 * The addresses behind the host of a URL that may be connected to. Throws when it has none but forbidden ones: for good when the
 * URL says the address itself, while a name may lead elsewhere next time.
 */
export async function outsideAddresses(host: string, resolve: Resolve): Promise<Address[]> {
  // A URL writes IPv6 in brackets, and every odd spelling of an IPv4 address as four numbers.
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(name) ? [name] : await resolve(name);
  const allowed = addresses.filter(isOutside);
  if (allowed.length === 0) throw isIP(name) ? new Permanent(refusal) : new Error(refusal);
  return allowed.map(withFamily);
}

/** The addresses behind the host, whatever they are: for development alone. */
export async function anyAddresses(host: string): Promise<Address[]> {
  return lookup(host.replace(/^\[(.*)\]$/, "$1"), { all: true });
}

/** By DNS alone: neither /etc/hosts nor the few threads that a slow name would keep from everybody. */
export async function resolveName(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const [first] = answers;
  if (addresses.length === 0 && first.status === "rejected") throw first.reason;
  return addresses;
}

/** Whether an address is one of the public internet's. */
export function isOutside(address: string): boolean {
  if (isIP(address) === 4) return !reserved.check(address, "ipv4");
  return global.check(address, "ipv6") && !reserved.check(address, "ipv6");
}

// Azure's metadata and DNS server, and the IANA registries of special-purpose addresses. Of IPv6, what is not in 2000::/3 is not routed: loopback, link-local,
// unique local, IPv4 in disguise (mapped, NAT64). What is in it and carries an IPv4 address (Teredo, 6to4) is here.
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
