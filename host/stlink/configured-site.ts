// SPDX-License-Identifier: Apache-2.0
// A Commander's configuration as what an STLink is to do. Before it: the core, which has checked that it is
// whole and has it in force. After it: commanded.ts. A configuration has no names: things are called by the
// first digits of their ids. PROTOCOL 10.3.

import { createHash } from "node:crypto";
import { ConfigSection, type Core } from "../core/core.ts";
import { ID_LEN, KEY_LEN, parseAddress } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import { DATAGRAM_TIMES } from "./datagram-route.ts";
import type { SiteBinding, SiteConnector, SiteEntries, SiteMapping, SitePeer } from "./site.ts";
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
const HOLD_MOST_MS = 86_400_000;
const MAPPING = 1;
const UDP = 2;
/** Digits of an id that make a name. */
const NAME_DIGITS = 8;

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
  const routes = withNames(core.configurationEntries(ConfigSection.Routes).map(routeOf));
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
        const { address: listenOn, mappingId } = route;
        return { ...commonOf(route, namesOf), listenOn, mappingId };
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
};

function routeOf(entry: Uint8Array): Route {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
  const peersAt = 26 + view.getUint8(25);
  const peers = Array.from({ length: view.getUint8(peersAt) }, (_, i) => {
    const at = peersAt + 1 + i * ID_LEN;
    return entry.slice(at, at + ID_LEN);
  });
  return {
    id: entry.slice(0, ID_LEN),
    isMapping: entry[16] === MAPPING,
    protocol: entry[17] === UDP ? "udp" : "tcp",
    holdMs: Math.min(view.getUint32(19, true) * 1000, HOLD_MOST_MS),
    port: view.getUint16(23, true),
    address: Buffer.from(entry.subarray(26, peersAt)).toString(),
    peers,
    mappingId: entry.slice(-ID_LEN),
  };
}

function commonOf(
  route: Route & { name: string },
  namesOf: (ids: readonly Uint8Array[]) => string[],
) {
  const { name, id, protocol, port, holdMs, peers } = route;
  return { name, id, protocol, port, peers: namesOf(peers), times: { ...DATAGRAM_TIMES, holdMs } };
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
