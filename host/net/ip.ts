// SPDX-License-Identifier: Apache-2.0
// What kind of IP address a text is, and whether it lies in a subnet. Before it: fields of files, results
// of name look-ups, the machine's interfaces. After it: the rules on Bindings and Mappings
// (stlink/addresses.ts). Private means RFC 1918, RFC 4193, RFC 6598 and link-local (RFC 3927, 4291).

import { BlockList, isIP } from "node:net";

/** `other`: public, multicast, or reserved. An IPv4 address inside IPv6 counts as itself. */
export type IpKind = "loopback" | "private" | "any" | "other";

const ANY: ReadonlySet<string> = new Set(["0.0.0.0", "::", "::0", "0:0:0:0:0:0:0:0"]);

const LOOPBACK = listOf(["127.0.0.0", 8], ["::1", 128]);
const PRIVATE = listOf(
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["fc00::", 7],
  ["fe80::", 10],
);

/** null: no IP address. A scope (`%eth0`) may follow. */
export function ipKindOf(text: string): IpKind | null {
  const address = withoutScope(text);
  const family = familyOf(address);
  if (family === null) return null;
  if (ANY.has(address)) return "any";
  if (LOOPBACK.check(address, family)) return "loopback";
  return PRIVATE.check(address, family) ? "private" : "other";
}

/** Whether an IP address lies in a subnet such as `192.168.0.0/24`. */
export function isInSubnet(text: string, cidr: string): boolean {
  const address = withoutScope(text);
  const family = familyOf(address);
  const [network = "", bits = ""] = cidr.split("/");
  if (family === null || familyOf(network) === null) return false;
  return listOf([network, Number(bits)]).check(address, family);
}

function listOf(...subnets: [network: string, bits: number][]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of subnets) list.addSubnet(network, bits, familyOf(network) ?? "ipv4");
  return list;
}

function familyOf(address: string): "ipv4" | "ipv6" | null {
  const version = isIP(address);
  return version === 0 ? null : `ipv${version as 4 | 6}`;
}

function withoutScope(address: string): string {
  return address.replace(/%.*$/, "");
}
