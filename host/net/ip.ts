// SPDX-License-Identifier: Apache-2.0
// What kind of IP address a text is, whether it lies in a subnet, and which network a source counts as.
// Before it: fields of files, name look-ups, the machine's interfaces, accepted connections. After it: the
// rules on Bindings and Mappings (stlink/addresses.ts, access.ts), a Connector's limits (half-open.ts).
// Private means RFC 1918, RFC 4193, RFC 6598 and link-local (RFC 3927, 4291).

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
  const [network, bits] = partsOf(cidr);
  if (family === null || familyOf(network) === null) return false;
  return listOf([network, bits]).check(address, family);
}

/** Networks as isNetwork takes them, and which addresses lie in one. IPv4 inside IPv6 counts as itself. */
export class Networks {
  readonly #list: BlockList;

  constructor(networks: readonly string[]) {
    this.#list = listOf(...networks.map(partsOf));
  }

  /** False for what is no IP address too. */
  has(text: string): boolean {
    const address = withoutScope(text);
    const family = familyOf(address);
    return family !== null && this.#list.check(address, family);
  }
}

/** Whether a text is a subnet as isInSubnet takes it: an IP address and how many of its bits count. */
export function isNetwork(text: string): boolean {
  const [, address = "", bits = ""] = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const family = familyOf(address);
  return family !== null && Number(bits) <= (family === "ipv4" ? 32 : 128);
}

/** A network as PROTOCOL 10.3 writes it: family (4 or 6), how many bits count, the address's 4 or 16 bytes. */
export function networkBytes(network: string): Uint8Array {
  const [address = "", bits = ""] = network.split("/");
  const bytes = isIP(address) === 4 ? ipv4Bytes(address) : ipv6Bytes(address);
  return Uint8Array.of(bytes.length === 4 ? 4 : 6, Number(bits), ...bytes);
}

/** What networkBytes has made, as isInSubnet takes it. */
export function networkText([family, bits, ...address]: Uint8Array): string {
  if (family === 4) return `${address.join(".")}/${bits}`;
  const groups = Array.from({ length: 8 }, (_, i) => {
    return (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16);
  });
  return `${groups.join(":")}/${bits}`;
}

function ipv4Bytes(address: string): number[] {
  return address.split(".").map(Number);
}

/** `::` stands for as many zeros as there is room; the last two groups may be written as IPv4. */
function ipv6Bytes(address: string): number[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":").flatMap(groupBytes)));
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function groupBytes(group: string): number[] {
  if (group.includes(".")) return ipv4Bytes(group);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

/** The network that a source counts as (rule K4): its /24, or /64 of IPv6; other texts stand for themselves. */
export function networkOf(text: string): string {
  const address = plainAddress(text);
  if (isIP(address) === 4) return `${address.slice(0, address.lastIndexOf("."))}.0/24`;
  return isIP(address) === 6 ? `${firstGroups(address)}::/64` : address;
}

/** An address without its scope; IPv4 inside IPv6 as IPv4. */
export function plainAddress(text: string): string {
  return withoutScope(text)
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, "");
}

/** The first four of an IPv6 address's eight groups, without leading zeros. */
function firstGroups(address: string): string {
  const [before = "", after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = new Array<string>(Math.max(8 - head.length - tail.length, 0)).fill("0");
  const groups = [...head, ...zeros, ...tail].slice(0, 4);
  return groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}

function listOf(...subnets: [network: string, bits: number][]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of subnets) list.addSubnet(network, bits, familyOf(network) ?? "ipv4");
  return list;
}

function partsOf(network: string): [network: string, bits: number] {
  const [address = "", bits = ""] = network.split("/");
  return [address, Number(bits)];
}

function familyOf(address: string): "ipv4" | "ipv6" | null {
  const version = isIP(address);
  return version === 0 ? null : `ipv${version as 4 | 6}`;
}

function withoutScope(address: string): string {
  return address.replace(/%.*$/, "");
}
