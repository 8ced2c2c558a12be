// SPDX-License-Identifier: Apache-2.0
// A Commander's configuration as what an STLink is to do. Before it: the core, which has checked that it is
// whole and has it in force. After it: commanded.ts. A configuration has no names: things are called by the
// first digits of their ids. PROTOCOL 10.3.

import { createHash } from "node:crypto";
import { ConfigSection, type Core } from "../core/core.ts";
import { networkText } from "../net/ip.ts";
import { ID_LEN, KEY_LEN, parseAddress } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import { RouteOption } from "./configuration.ts";
import { DATAGRAM_TIMES } from "./datagram-route.ts";
import type {
  BindingAccess,
  RouteTimes,
  SiteBinding,
  SiteConnector,
  SiteEntries,
  SiteMapping,
  SitePeer,
} from "./site.ts";
import { COMMANDED_CONNECTORS_MOST } from "./site-sizes.ts";

/** What stands in front of the entries, and the hash of all. */
export type ConfigurationHead = {
  epoch: number;
  serial: bigint;
  /** BLAKE2s of the configuration's bytes, as the Commander shows it. */
  hash: Uint8Array;
  id: Uint8Array;
  /** Infinity: it never ends. */
  leaseMs: number;
  commanderId: Uint8Array;
};

const HEAD_LEN = 116;
/** Of what is stored behind a configuration: pinned epoch, a mark for each peer, checksum. */
const EPOCH_LEN = 4;
const CHECKSUM_LEN = 4;
const [HOLD_MOST_MS, IDLE_MOST_MS] = [86_400_000, 86_400_000];
const IDLE_LEAST_MS = 1000;
const [AGE_LEAST_MS, AGE_MOST_MS] = [50, 10_000];
const MAPPING = 1;
const UDP = 2;
/** Digits of an id that make a name. */
const NAME_DIGITS = 8;
const KNOWN: ReadonlySet<number> = new Set(Object.values(RouteOption));

/** From what is stored, which the core has taken; `peers` is how many it has. */
export function headOf(stored: Uint8Array, peers: number): ConfigurationHead {
  const view = new DataView(stored.buffer, stored.byteOffset, HEAD_LEN);
  const body = stored.subarray(0, stored.length - CHECKSUM_LEN - peers - EPOCH_LEN);
  const leaseSeconds = view.getUint32(32, true);
  return {
    epoch: view.getUint32(4, true),
    serial: view.getBigUint64(8, true),
    hash: createHash("blake2s256").update(body).digest(),
    id: stored.slice(16, 16 + ID_LEN),
    leaseMs: leaseSeconds === 0 ? Number.POSITIVE_INFINITY : leaseSeconds * 1000,
    commanderId: stored.slice(100, HEAD_LEN),
  };
}

export type ConfiguredPeer = SitePeer & {
  /** Its place in the configuration, as `peerChanged` and `confirmPeer` count. */
  index: number;
};

export type ConfiguredSite = Omit<SiteEntries, "peers"> & {
  peers: readonly ConfiguredPeer[];
  /** What this machine can't do of it, a sentence each. */
  findings: readonly string[];
};

/** The entries of the configuration in force; the Commander's own counts as no peer. */
export function configuredSite(core: Core, { commanderId }: ConfigurationHead): ConfiguredSite {
  const findings: string[] = [];
  const connectors = core
    .configurationEntries(ConfigSection.Connectors)
    .slice(0, COMMANDED_CONNECTORS_MOST)
    .flatMap((entry) => connectorOf(entry, findings));
  const peers = core
    .configurationEntries(ConfigSection.Peers)
    .map(peerOf)
    .filter(({ id }) => !isEqual(id, commanderId));
  const named = new Map(withNames(peers).map((peer) => [hex(peer.id), peer]));
  const routes = withNames(core.configurationEntries(ConfigSection.Routes).map(routeOf)).filter(
    (route) => isPossible(route, findings),
  );
  const namesOf = (ids: readonly Uint8Array[]) => ids.map((id) => named.get(hex(id))?.name ?? "");
  return {
    connectors,
    peers: [...named.values()],
    mappings: routes
      .filter(({ isMapping }) => isMapping)
      .map((route): SiteMapping => ({ ...commonOf(route, namesOf), host: route.address })),
    bindings: routes
      .filter(({ isMapping }) => !isMapping)
      .map((route): SiteBinding => {
        const { address: listenOn, mappingId, options } = route;
        return { ...commonOf(route, namesOf), listenOn, mappingId, access: accessOf(options) };
      }),
    findings,
  };
}

function connectorOf(entry: Uint8Array, findings: string[]): SiteConnector[] {
  const text = Buffer.from(entry.subarray(2 * KEY_LEN + 1)).toString();
  const address = parseAddress(text, 1);
  const psk = pskOf(entry.slice(KEY_LEN, 2 * KEY_LEN));
  if (address !== null) return [{ name: text, address, key: entry.slice(0, KEY_LEN), psk }];
  findings.push(
    `The Commander names a Connector at ${JSON.stringify(text)}, which is no "host:port": have it put right there.`,
  );
  return [];
}

function peerOf(entry: Uint8Array, index: number): Omit<ConfiguredPeer, "name"> {
  const next = entry.slice(48, 80);
  return {
    index,
    id: entry.slice(0, ID_LEN),
    key: entry.slice(ID_LEN, 48),
    nextKey: isZero(next) ? null : next,
    psk: pskOf(entry.slice(92, 124)),
  };
}

type Route = {
  id: Uint8Array;
  isMapping: boolean;
  protocol: "tcp" | "udp";
  holdMs: number;
  port: number;
  address: string;
  peers: readonly Uint8Array[];
  mappingId: Uint8Array;
  options: readonly Option[];
};

type Option = { type: number; value: Uint8Array };

function routeOf(entry: Uint8Array): Route {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
  const peersAt = 26 + view.getUint8(25);
  const count = view.getUint16(peersAt, true);
  const idAt = (i: number) => {
    const at = peersAt + 2 + i * ID_LEN;
    return entry.slice(at, at + ID_LEN);
  };
  return {
    id: entry.slice(0, ID_LEN),
    isMapping: entry[16] === MAPPING,
    protocol: entry[17] === UDP ? "udp" : "tcp",
    holdMs: Math.min(view.getUint32(19, true) * 1000, HOLD_MOST_MS),
    port: view.getUint16(23, true),
    address: Buffer.from(entry.subarray(26, peersAt)).toString(),
    peers: Array.from({ length: count }, (_, i) => idAt(i)),
    mappingId: idAt(count),
    options: optionsOf(entry.subarray(peersAt + 2 + (count + 1) * ID_LEN + 2)),
  };
}

function optionsOf(bytes: Uint8Array): Option[] {
  const options: Option[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [type = 0, length = 0] = bytes.subarray(at);
    options.push({ type, value: bytes.slice(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return options;
}

/** A Binding that says what this version doesn't know may be for others than it would serve. */
function isPossible(route: Route & { name: string }, findings: string[]): boolean {
  const unknown = route.options.find(({ type }) => !KNOWN.has(type));
  if (unknown === undefined || route.isMapping) return true;
  findings.push(
    `The Commander's Binding ${route.name} has an option ${unknown.type} that this version does not know, and is left out: install a newer one.`,
  );
  return false;
}

function accessOf(options: readonly Option[]): BindingAccess {
  return {
    sources: options
      .filter(({ type }) => type === RouteOption.Source)
      .map(({ value }) => networkText(value)),
    connections: numberOf(options, RouteOption.Connections),
    bytesPerSecond: numberOf(options, RouteOption.Rate),
  };
}

/** Within what a site's file may say. */
function timesOf({ options, holdMs }: Route): RouteTimes {
  const idleMs = numberOf(options, RouteOption.Idle) ?? DATAGRAM_TIMES.idleMs;
  const ageMs = numberOf(options, RouteOption.Age) ?? DATAGRAM_TIMES.ageMs;
  return {
    holdMs,
    idleMs: Math.min(Math.max(idleMs, IDLE_LEAST_MS), IDLE_MOST_MS),
    ageMs: Math.min(Math.max(ageMs, AGE_LEAST_MS), AGE_MOST_MS),
    flows: numberOf(options, RouteOption.Flows) ?? DATAGRAM_TIMES.flows,
  };
}

function numberOf(options: readonly Option[], type: number): number | null {
  const option = options.find((one) => one.type === type);
  return option === undefined ? null : Buffer.from(option.value).readUIntLE(0, option.value.length);
}

function commonOf(
  route: Route & { name: string },
  namesOf: (ids: readonly Uint8Array[]) => string[],
) {
  const { name, id, protocol, port, peers } = route;
  return { name, id, protocol, port, peers: namesOf(peers), times: timesOf(route) };
}

/** Whose first digits are another's too is called by its whole id. */
function withNames<Entry extends { id: Uint8Array }>(entries: readonly Entry[]) {
  const short = (id: Uint8Array) => hex(id).slice(0, NAME_DIGITS);
  const counts = new Map<string, number>();
  for (const { id } of entries) counts.set(short(id), (counts.get(short(id)) ?? 0) + 1);
  return entries.map((entry) => {
    const isAlone = counts.get(short(entry.id)) === 1;
    return { ...entry, name: isAlone ? short(entry.id) : hex(entry.id) };
  });
}

function pskOf(bytes: Uint8Array): Uint8Array | null {
  return isZero(bytes) ? null : bytes;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
