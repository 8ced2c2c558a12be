// SPDX-License-Identifier: Apache-2.0
// Where a Mapping may point and a Binding may listen. A Mapping is never public, also when its name turns
// out to resolve to a public address; a Binding is loopback unless its owner says otherwise. Before it:
// site-file.ts, each dial, each listen. After it: the Transport. Pure: interfaces and names are inputs.

import type { NetworkInterfaceInfo } from "node:os";
import { ipKindOf, isInSubnet } from "../net/ip.ts";

/** As os.networkInterfaces() gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Looks a host name up; rejects with the system's error. An IP address is its own result. */
export type Lookup = (host: string) => Promise<readonly string[]>;

const HOST_NAME = /^(?=.{1,253}\.?$)[\p{L}\p{N}_]([\p{L}\p{N}_-]*)(\.[\p{L}\p{N}_-]+)*\.?$/u;
const ALLOWED = "loopback (127.0.0.0/8, ::1) or private (RFC 1918, 4193, 6598, link-local)";

/** What is wrong with a Mapping's address as it is written, going on from its name; null: nothing yet. */
export function mappingRefusal(host: string): string | null {
  const kind = ipKindOf(host);
  if (kind === "other" || kind === "any") {
    return `is ${host}: a Mapping never points to a public address, only to one that is ${ALLOWED}. Put an STLink beside the service.`;
  }
  if (kind !== null || HOST_NAME.test(host)) return null;
  return `is "${host}", which is neither an IP address nor a host name: write only that, without scheme or port.`;
}

export type Target =
  | { hosts: readonly string[] }
  /** `isPublic`: it resolved, to what a Mapping may not point to. */
  | { refusal: string; isPublic: boolean };

/** The IP addresses to dial for a Mapping, now: all results of its name, or why none of them. */
export async function resolveTarget(host: string, lookup: Lookup): Promise<Target> {
  const hosts = await lookup(host).catch(() => []);
  if (hosts.length === 0) {
    const refusal = `${host} does not resolve: check the name, or write the IP address.`;
    return { refusal, isPublic: false };
  }
  for (const ip of hosts) {
    const refusal = mappingRefusal(ip);
    if (refusal === null) continue;
    const what = ip === host ? host : `${host} resolves to ${ip}, which`;
    return {
      refusal: `${what} ${refusal.replace(`is ${ip}: `, "is not allowed: ")}`,
      isPublic: true,
    };
  }
  return { hosts };
}

/** A warning where the target is in none of this machine's subnets; null where it is, or is loopback. */
export function subnetWarning(ip: string, interfaces: Interfaces): string | null {
  if (ipKindOf(ip) === "loopback") return null;
  const subnets = Object.values(interfaces).flatMap((list = []) => list.map(({ cidr }) => cidr));
  if (subnets.some((cidr) => cidr !== null && isInSubnet(ip, cidr))) return null;
  return `${ip} is in none of this machine's subnets: both machines should be in one, without open inbound ports.`;
}

/** What a refused connection may mean; empty for a service on this machine. */
export function refusedHint(ip: string): string {
  if (ipKindOf(ip) === "loopback") return "Is the service running?";
  return "Is the service running, and does it listen on more than its own loopback (its eth0 address, or 0.0.0.0)?";
}

/** What is wrong with a Binding's address as it is written, going on from its name; null: nothing yet. */
export function bindingRefusal(listenOn: string): string | null {
  const kind = ipKindOf(listenOn);
  if (kind === "other") {
    return `is ${listenOn}, ${PUBLIC}`;
  }
  if (kind !== null || INTERFACE.test(listenOn)) return null;
  return `is "${listenOn}", which is neither an IP address nor the name of an interface: write one of these, or "all", without a port.`;
}

/** Who can reach what listens there, as a sentence; null: this machine alone. */
export function exposureOf(listenOn: string): string | null {
  const kind = ipKindOf(listenOn);
  if (kind === "loopback" || listenOn === "localhost") return null;
  if (listenOn === "all" || kind === "any") return ALL_EXPOSURE;
  return `listens on ${listenOn}: every machine of that network can use it.`;
}

export type Listening = {
  /** IP addresses to listen on; empty when `refusal` says why. */
  hosts: readonly string[];
  warning: string | null;
  refusal: string | null;
};

/** As systems write it: eth0, enp0s3, "Ethernet 2". */
const INTERFACE = /^[^\s/:[\]%]([^/:[\]%\p{Cc}]{0,62}[^\s/:[\]%])?$/u;

const PUBLIC =
  'a public address: a Binding listens on loopback, a private address, an interface or "all".';
const ALL_EXPOSURE =
  "listens on all interfaces: every machine that reaches this one can use it. An interface's name or a private address is narrower.";

/** Where a Binding listens: its loopback or private address, an interface's addresses, or all. */
export function listeningOf(listenOn: string, interfaces: Interfaces): Listening {
  const kind = ipKindOf(listenOn);
  if (listenOn === "all" || kind === "any") return onAll(listenOn, interfaces);
  if (listenOn === "localhost") return { hosts: ["127.0.0.1"], warning: null, refusal: null };
  if (kind === "loopback" || kind === "private") {
    return { hosts: [listenOn], warning: null, refusal: null };
  }
  if (kind !== null) return { hosts: [], warning: null, refusal: `${listenOn} is ${PUBLIC}` };
  return onInterface(listenOn, interfaces);
}

/** `::` takes IPv4 too; a machine without IPv6 has IPv4 alone. */
function onAll(listenOn: string, interfaces: Interfaces): Listening {
  const isV6 = Object.values(interfaces).some((list = []) => list.some((a) => a.family === "IPv6"));
  const every = isV6 ? "::" : "0.0.0.0";
  return { hosts: [listenOn === "all" ? every : listenOn], warning: ALL_EXPOSURE, refusal: null };
}

function onInterface(name: string, interfaces: Interfaces): Listening {
  const list = interfaces[name];
  if (list === undefined) {
    const known = Object.keys(interfaces).join(", ");
    const refusal = `${name} is neither an IP address nor an interface of this machine, which has ${known}.`;
    return { hosts: [], warning: null, refusal };
  }
  const usable = list.filter(({ address }) => ipKindOf(address) !== "other");
  const hosts = usable.map((one) => scoped(one, name));
  if (hosts.length === 0) {
    const refusal = `${name} has no private address now: write "all" if it is to listen on a public one.`;
    return { hosts, warning: null, refusal };
  }
  const left = list.length - usable.length;
  const warning =
    left === 0 ? null : `does not listen on the public addresses of ${name} (${left}).`;
  return { hosts, warning, refusal: null };
}

/** Whether two Bindings of one port can't both listen: at one address, or one of them at all of the other's. */
export function isSamePlace(one: string, other: string): boolean {
  const [a, b] = [placeOf(one), placeOf(other)];
  return a === b || isWithin(a, b) || isWithin(b, a);
}

function placeOf(listenOn: string): string {
  return listenOn === "localhost" ? "127.0.0.1" : listenOn.toLowerCase();
}

/** An interface's name may stand for addresses of both families. */
function isWithin(address: string, every: string): boolean {
  if (every === "0.0.0.0") return !address.includes(":") || ipKindOf(address) === "any";
  if (every === "all" || ipKindOf(every) === "any") return true;
  // With a scope it is a place of one interface.
  if (every.includes("%")) return false;
  return isInSubnet(address, `${every}/${every.includes(":") ? 128 : 32}`);
}

/** A link-local IPv6 address is one only together with its interface. */
function scoped({ address, family }: NetworkInterfaceInfo, name: string): string {
  return family === "IPv6" && /^fe[89ab]/i.test(address) ? `${address}%${name}` : address;
}
